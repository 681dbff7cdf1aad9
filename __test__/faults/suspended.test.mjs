// A process that is stopped and goes on, as when a laptop sleeps or a virtual machine moves.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { fixture, start, temporaryFile } from '../support/child.mjs';
import { acceptance, head, listOf, reply, startScripted, until } from '../support/scripted.mjs';
import { accepted } from '../support/setup.mjs';
import { certificate } from '../support/testing.mjs';

const ID = 17;
// Time enough for a request to arrive from a process that has just begun.
const TIMEOUT_MS = 2500;
const STOP_MS = TIMEOUT_MS + 500;
const skip = process.platform !== 'linux' && 'needs the signals and /proc of Linux';

const optionsFor = ({ url }) => ({ gateways: url, timeoutMs: TIMEOUT_MS });
const startSender = (input, options) => start(fixture('suspended'), { input, ...options });
const outcomesOf = async ({ ended }) => {
  const { stdout, output, code } = await ended;
  assert.equal(code, 0, output);
  return stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
};

/** Has the thread that holds the connections go on after the one that sends, which is no more than likely otherwise. */
function demoteWorker({ pid }) {
  const nameOf = (task) => readFileSync(`/proc/${pid}/task/${task}/comm`, 'utf8').trim();
  const worker = readdirSync(`/proc/${pid}/task`).find((task) => nameOf(task) === 'smsaero');
  const { status, stderr } = spawnSync('chrt', ['--idle', '--pid', '0', worker]);
  assert.equal(status, 0, `${stderr}`);
}

/** Stops a process while something happens. */
async function whileStopped({ pid }, happens) {
  process.kill(pid, 'SIGSTOP');
  await until(() => /^\d+ \(.*\) T /.test(readFileSync(`/proc/${pid}/stat`, 'utf8')));
  try {
    await happens();
  } finally {
    process.kill(pid, 'SIGCONT');
  }
}

describe('a process that was stopped beyond the deadline', { skip, concurrency: true }, () => {
  const PIECES = [
    head(200, 'transfer-encoding: chunked'),
    ...JSON.stringify(accepted())
      .match(/.{1,20}/g)
      .map((part) => `${part.length.toString(16)}\r\n${part}\r\n`),
    '0\r\n\r\n',
  ];
  const { ca, ...secure } = certificate({ names: ['127.0.0.1'] });
  const env = { NODE_EXTRA_CA_CERTS: temporaryFile('ca.pem', ca) };

  for (const [name, pieces, isSecure] of [
    ['a reply', [acceptance()], false],
    ['a reply over TLS', [acceptance()], true],
    ['a reply in chunks', PIECES, false],
    ['a reply in chunks over TLS', PIECES, true],
    ['a reply of sixty thousand bytes over TLS', [reply(200, JSON.stringify(accepted()) + ' '.repeat(60_000))], true],
  ]) {
    test(`reads ${name}, on a new and on a kept connection`, async (t) => {
      let sender;
      const gateway = await startScripted(t, {
        secure: isSecure ? secure : undefined,
        send: async (socket) => {
          if (gateway.count('send') === 3) return acceptance();
          await whileStopped(sender.child, async () => {
            for (const piece of pieces) socket.write(piece);
            await sleep(STOP_MS);
          });
        },
      });
      sender = startSender({ calls: Array(3).fill(optionsFor(gateway)) }, { env: isSecure ? env : {} });
      assert.deepEqual(await outcomesOf(sender), [ID, ID, ID]);
      assert.equal(gateway.count('send'), 3, 'each is sent once');
    });
  }

  test('reads the list of messages that waits in a connection', async (t) => {
    // Short, since a row may be three seconds off.
    const timeoutMs = 1500;
    let sender;
    const gateway = await startScripted(t, {
      send: (socket) => socket.destroy(),
      list: async (socket, { body }) => {
        const { number, text } = JSON.parse(body);
        const row = { id: ID, number: Number(number), text, status: 0, dateCreate: Math.floor(Date.now() / 1000) };
        await whileStopped(sender.child, async () => {
          socket.write(listOf([row]));
          await sleep(timeoutMs + 300);
        });
      },
    });
    sender = startSender({ calls: [{ ...optionsFor(gateway), timeoutMs }] });
    assert.deepEqual(await outcomesOf(sender), [ID]);
  });

  test('reads the answer to a question that waits in a connection', async (t) => {
    let sender;
    const gateway = await startScripted(t, {
      ask: (socket) =>
        whileStopped(sender.child, async () => {
          socket.write(reply(200, { success: true, data: { balance: 5 }, message: null }));
          await sleep(STOP_MS);
        }),
    });
    sender = startSender({ calls: [{ ...optionsFor(gateway), isQuestion: true }] });
    assert.deepEqual(await outcomesOf(sender), [5]);
  });

  test('ends a message without a reply as unknown, and sends the next one', async (t) => {
    let sender;
    const gateway = await startScripted(t, {
      send: () => (gateway.count('send') > 1 ? acceptance() : whileStopped(sender.child, () => sleep(STOP_MS))),
    });
    sender = startSender({ calls: Array(2).fill(optionsFor(gateway)) });
    assert.deepEqual(await outcomesOf(sender), ['unknown_outcome', ID]);
  });
});

const hasTools = ['taskset', 'chrt'].every((tool) => spawnSync(tool, ['--version'], { stdio: 'ignore' }).status === 0);

describe('a kept connection that was closed while the process was stopped', {
  skip: skip || (!hasTools && 'needs taskset and chrt'),
}, () => {
  const PAUSE_MS = 60;

  test('is not used when the process goes on', async (t) => {
    let sender;
    const gateway = await startScripted(t, {
      send: (socket) => {
        const number = gateway.count('send');
        if (number === 1) demoteWorker(sender.child);
        const close = async () => {
          socket.end();
          await sleep(2 * PAUSE_MS);
        };
        // Every second message is sent as soon as the process goes on.
        if (number % 2 === 1) setTimeout(() => whileStopped(sender.child, close), PAUSE_MS / 4);
        return acceptance();
      },
    });
    const calls = Array(2).fill({ gateways: gateway.url });
    // Two threads on one processor go on in the order of their ranks.
    const within = ['taskset', '-c', '0'];
    sender = startSender({ calls, rounds: 40, pauseMs: PAUSE_MS }, { within });
    const outcomes = await outcomesOf(sender);
    assert.deepEqual(new Set(outcomes), new Set([ID]));
    assert.equal(gateway.count('send'), outcomes.length, 'each is sent once');
  });
});

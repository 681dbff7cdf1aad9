import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { after, afterEach, before, describe, test } from 'node:test';
import { FIXTURE_SECRETS } from '../fixtures/sample.mjs';
import { fixture, start } from '../support/child.mjs';
import { openGateway, resetGateway } from '../support/setup.mjs';

// util-linux's prlimit lowers a running process's limits, which needs no rights.
const hasPrlimit =
  process.platform === 'linux' && spawnSync('prlimit', ['--version'], { stdio: 'ignore' }).status === 0;
// So large that memory can be short for a thread's stack and plenty for all that Node needs meanwhile.
const STACK_BYTES = 2 ** 30;
const skip = !hasPrlimit && 'needs Linux and prlimit';

let gateway;

before(async () => {
  gateway = await openGateway();
});

after(() => gateway.stop());

afterEach(() => resetGateway(gateway));

/** A child that sends whenever it is asked to, and answers with what came of it. */
async function startSender() {
  const env = { RUST_MIN_STACK: `${STACK_BYTES}` };
  const sender = start(fixture('starved'), { ipc: true, env });
  await once(sender.child, 'message');
  const { pid } = sender.child;
  return {
    pid,
    async send(gateways) {
      const answer = once(sender.child, 'message');
      sender.child.send({ gateways });
      const ended = sender.ended.then(({ signal, code, stderr }) =>
        assert.fail(`the process ended with ${signal ?? code}: ${stderr}`),
      );
      const [outcome] = await Promise.race([answer, ended]);
      return outcome;
    },
    /** The limit of a resource; none when no number is given. */
    limit(resource, value = 'unlimited') {
      const { status, stderr } = spawnSync('prlimit', ['--pid', pid, `--${resource}=${value}:`]);
      assert.equal(status, 0, `${stderr}`);
    },
    async stop() {
      sender.child.kill('SIGKILL');
      return sender.ended;
    },
  };
}

/** The bytes of address space that a process has; the stack of one more thread does not fit in what is left. */
function addressSpace(pid) {
  const [, kilobytes] = /^VmSize:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return Number(kilobytes) * 1024 + STACK_BYTES / 2;
}

/** The lowest descriptor that a process does not use, which is the next one that it would get. */
function firstFreeDescriptor(pid) {
  const used = new Set(readdirSync(`/proc/${pid}/fd`).map(Number));
  let free = 0;
  while (used.has(free)) free += 1;
  return free;
}

function assertUnreachable(outcome, cause) {
  assert.equal(outcome.name, 'ConnectorError');
  assert.deepEqual([outcome.code, outcome.reason], ['general', 'unreachable']);
  assert.match(outcome.errorDescription, cause);
  assert.match(outcome.errorDescription, /Nothing was sent/);
  assert.doesNotMatch(JSON.stringify(outcome), FIXTURE_SECRETS);
}

describe('a host that is out of', { skip }, () => {
  test('threads rejects the send, lives, and sends the next one', async () => {
    const sender = await startSender();
    try {
      sender.limit('as', addressSpace(sender.pid));
      for (let round = 0; round < 3; round += 1) {
        assertUnreachable(await sender.send(gateway.url), /could not start a thread/);
      }
      sender.limit('as');
      assert.deepEqual(await sender.send(gateway.url), { name: 'Object' });
    } finally {
      await sender.stop();
    }
    assert.equal(gateway.messages.length, 1);
  });

  test('threads for a name look-up rejects the send, and blames no gateway for it', async () => {
    const sender = await startSender();
    const named = gateway.url.replace('127.0.0.1', 'localhost');
    try {
      // The worker thread is there; the connection to another spelling of the host needs a look-up.
      await sender.send(gateway.url);
      sender.limit('as', addressSpace(sender.pid));
      assertUnreachable(await sender.send(named), /thread could be started to look up/);
      sender.limit('as');
      assert.deepEqual(await sender.send([named, gateway.url]), { name: 'Object' });
    } finally {
      await sender.stop();
    }
    const [, last] = gateway.requests;
    assert.match(last.headers.host, /^localhost/, 'the first gateway is still the first');
  });

  for (const [when, warm] of [
    ['before the first message', false],
    ['afterwards', true],
  ]) {
    test(`descriptors ${when} rejects the send, lives, and sends the next one`, async () => {
      const other = await openGateway();
      const sender = await startSender();
      try {
        if (warm) await sender.send(gateway.url);
        sender.limit('nofile', firstFreeDescriptor(sender.pid));
        assertUnreachable(await sender.send(other.url), /this server could not/i);
        sender.limit('nofile', 1024);
        assert.deepEqual(await sender.send(other.url), { name: 'Object' });
      } finally {
        await sender.stop();
        await other.stop();
      }
      assert.equal(other.messages.length, 1);
    });
  }
});

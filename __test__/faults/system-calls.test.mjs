// What a message costs the host in system calls, which a busy machine does not change: threads are woken by them.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';

import { execute, fixture, run, temporaryFolder } from '../support/child.mjs';
import { validConfig } from '../support/configs.mjs';
import { message, openGateway } from '../support/setup.mjs';

const WRITES = ['write', 'writev', 'sendto', 'sendmsg'];
const WAITS = ['epoll_wait', 'epoll_pwait', 'epoll_pwait2'];
const [FEW, MANY] = [50, 250];

let gateway;
let why;

before(async () => {
  gateway = await openGateway({ keep: 1 });
  why = await missing();
});

after(() => gateway.stop());

// Some machines have no strace, or let no process look at another.
async function missing() {
  try {
    const { code } = await execute(['strace', '-o', '/dev/null', 'true']).ended;
    return code === 0 ? undefined : 'strace may not trace here';
  } catch {
    return 'there is no strace here';
  }
}

// The calls of the worker thread, which connects, and of the JavaScript thread, which is the first.
async function calls(together, rounds) {
  const file = path.join(temporaryFolder(), 'calls');
  const trace = `trace=connect,${[...WRITES, ...WAITS].join()}`;
  await run(fixture('rounds'), {
    within: ['strace', '-f', '-o', file, '-e', trace],
    input: { gateways: gateway.url, message: message(), config: validConfig(), together, rounds },
  });
  // A call that another thread interrupts is there twice, the second time as `resumed`.
  const made = readFileSync(file, 'utf8').matchAll(/^(\d+) +(\w+)\(/gm);
  const all = [...made].map(([, thread, name]) => ({ thread, name }));
  const worker = all.find(({ name }) => name === 'connect').thread;
  const count = (thread, names) => all.filter((call) => call.thread === thread && names.includes(call.name)).length;
  return {
    workerWrites: count(worker, WRITES),
    workerWaits: count(worker, WAITS),
    hostWrites: count(all[0].thread, WRITES),
  };
}

// What a round takes: the start of the process is in both runs.
async function perRound(together) {
  const few = await calls(together, FEW);
  const many = await calls(together, MANY);
  return Object.fromEntries(Object.entries(many).map(([name, count]) => [name, (count - few[name]) / (MANY - FEW)]));
}

describe('system calls', () => {
  test('of a lone message: one wakes the worker thread, one sends, one wakes JavaScript', async (t) => {
    if (why) return t.skip(why);
    const round = await perRound(1);
    t.diagnostic(JSON.stringify(round));
    // A tick every two seconds, and a wake-up that comes while a thread is awake, are the rest.
    assert.ok(round.hostWrites <= 1.1, `the JavaScript thread writes ${round.hostWrites} times`);
    assert.ok(round.workerWrites <= 2.1, `the worker thread writes ${round.workerWrites} times`);
    assert.ok(round.workerWaits <= 3.3, `the worker thread looks at its sockets ${round.workerWaits} times`);
  });

  test('of messages that begin together: one wakes the worker thread for all', async (t) => {
    if (why) return t.skip(why);
    const round = await perRound(20);
    t.diagnostic(JSON.stringify(round));
    assert.ok(round.hostWrites <= 1.2, `the JavaScript thread writes ${round.hostWrites} times`);
  });
});

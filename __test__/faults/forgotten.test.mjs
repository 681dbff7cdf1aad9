// A firewall or NAT that forgets resting connections without a word, so that what is sent on them goes nowhere.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, test } from 'node:test';

import { answerOf, fixture } from '../support/child.mjs';

const ID = 17;
// A user's own namespace gives the rights that root has.
const WAYS = [
  ['unshare', '--net'],
  ['unshare', '--map-root-user', '--net'],
];
const within = WAYS.find(
  ([command, ...args]) => spawnSync(command, [...args, 'ip', 'link', 'set', 'lo', 'up']).status === 0,
);
const skip = within === undefined && 'needs a network namespace: Linux, unshare, ip, and the right to make one';

const sendAfter = (restMs, options) => answerOf(fixture('forgotten'), { within, input: { restMs, options } });

describe('eight kept connections that the way has forgotten', { skip, concurrency: true }, () => {
  test('are noticed while they rest, and no message is lost', async () => {
    const { outcomes, arrived } = await sendAfter(15_000, {});
    assert.deepEqual(outcomes, [ID, ID, ID]);
    assert.equal(arrived, 3, 'each is sent once');
  });

  test('cost one message when it comes at once, which the list is asked for on a new connection', async () => {
    const { outcomes, arrived, lists } = await sendAfter(0, { timeoutMs: 4000 });
    assert.deepEqual(outcomes, ['unknown_outcome', ID, ID]);
    assert.equal(arrived, 2, 'each is sent once');
    assert.ok(lists > 0, 'the question arrived');
  });
});

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import { answerOf, fixture } from '../support/child.mjs';
import { validConfig } from '../support/configs.mjs';
import { message, openGateway } from '../support/setup.mjs';

let gateway;

before(async () => {
  gateway = await openGateway();
});

after(() => gateway.stop());

const run = (program) => {
  const input = { gateways: gateway.url, message: message(), config: validConfig() };
  return answerOf(fixture('after-import'), { input, args: [program], flags: ['--expose-gc'] });
};

describe('what a host does after the import', () => {
  test('the asynchronous contexts of the first callers are let go', async () => {
    assert.deepEqual(await run('context'), { create: true, first: true, second: true });
  });

  test('the contexts of sends whose configuration never came are let go', async () => {
    assert.deepEqual(await run('overdue'), { first: true, second: true, third: true, over: 3 });
  });

  test('timers that a test harness has put in place neither hold a send up nor end the process', async () => {
    assert.deepEqual(await run('timers'), { reason: 'timeout', isSent: true });
  });
});

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import { answerOf, fixture } from '../support/child.mjs';
import { validConfig } from '../support/configs.mjs';
import { message, openGateway } from '../support/setup.mjs';

const MB = 1 << 20;

let gateway;

before(async () => {
  gateway = await openGateway({ keep: 1 });
});

after(() => gateway.stop());

function measure(program) {
  const input = { gateways: gateway.url, message: message(), config: validConfig() };
  return answerOf(fixture('memory'), { input, args: [program], flags: ['--expose-gc'] });
}

describe('memory', () => {
  test('createConnector in Logto-shaped code leaves nothing behind', async (t) => {
    const bytes = await measure('connectors');
    t.diagnostic(`${bytes} bytes more`);
    assert.ok(bytes < 5 * MB);
  });

  test('a connector is collected although its getConfig holds it', async () => {
    const collected = await measure('cycles');
    assert.ok(collected > 900, `only ${collected} of 1000 were collected`);
  });

  test('messages leave nothing behind', async (t) => {
    const bytes = await measure('messages');
    t.diagnostic(`${bytes} bytes more`);
    assert.ok(bytes < 2 * MB);
  });

  test('refused messages leave nothing behind', async (t) => {
    const bytes = await measure('refusals');
    t.diagnostic(`${bytes} bytes more`);
    assert.ok(bytes < 2 * MB);
  });

  test('the guard leaves nothing behind', async (t) => {
    const bytes = await measure('guard');
    t.diagnostic(`${bytes} bytes more`);
    assert.ok(bytes < 2 * MB);
  });
});

import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';

import { caught } from '../support/caught.mjs';
import { isConnectorError } from '../support/classes.mjs';
import { validConfig } from '../support/configs.mjs';
import createConnector, { sendMessage } from '../support/package.mjs';
import { message, NUMBER, openGateway, resetGateway } from '../support/setup.mjs';

let gateway;
let options;

before(async () => {
  gateway = await openGateway();
  options = { gateways: gateway.url };
});

after(() => gateway.stop());

beforeEach(() => resetGateway(gateway));

const send = (settings, to = NUMBER) => sendMessage(message({ to }), validConfig(settings), options);

describe('testMode and allowedPrefixes', () => {
  test('testMode asks for a message that is not sent, and nothing else changes', async () => {
    const { balance } = gateway.account;
    const { gateway: by } = await send({ testMode: true });
    assert.equal(by, gateway.url);
    assert.equal(gateway.messages[0].test, true);
    assert.equal(gateway.account.balance, balance);
    await send({ testMode: false });
    await send({});
    const [test, ...real] = gateway.requests;
    assert.deepEqual(
      [test, ...real].map(({ path }) => path),
      ['/v2/sms/testsend', '/v2/sms/send', '/v2/sms/send'],
    );
    assert.equal(test.body, real[0].body);
    assert.equal(test.headers.authorization, real[0].headers.authorization);
  });

  const ALLOWED = [
    ['7', '79001234567'],
    ['+7', '79001234567'],
    ['7, 375', '375291234567'],
    ['7 375', '375291234567'],
    ['7,375', '375291234567'],
    [' +7 ,, +375 ', '375291234567'],
    ['7\u00a0375', '375291234567'],
    ['7\n375', '375291234567'],
    [['7', '375'], '375291234567'],
    [['+7, 375'], '375291234567'],
    ['375, rubbish', '375291234567'],
    ['79001234567', '79001234567'],
    ['7', '+79001234567'],
    ['', '79001234567'],
    [' , ', '79001234567'],
    [[], '79001234567'],
    [['', ' '], '79001234567'],
    [undefined, '79001234567'],
  ];

  test('a number with an allowed prefix is written to', async () => {
    for (const [allowedPrefixes, to] of ALLOWED) {
      gateway.clear();
      await send({ allowedPrefixes }, to.replace('+', ''));
      assert.equal(gateway.messages.length, 1, JSON.stringify(allowedPrefixes));
    }
  });

  const REFUSED = [
    ['375', '79001234567'],
    ['7', '375291234567'],
    [['380', '375'], '79001234567'],
    ['790012345678', '79001234567'],
    ['Russia', '79001234567'],
    ['7x', '79001234567'],
    ['++7', '79001234567'],
    ['7', ''],
    ['7', ' 79001234567'],
    ['٧', '79001234567'],
  ];

  test('any other number is refused before the network, with a bland message', async () => {
    const messages = new Set();
    for (const [allowedPrefixes, to] of REFUSED) {
      const error = await caught(send({ allowedPrefixes }, to));
      assert.ok(isConnectorError(error));
      assert.equal(error.code, 'general');
      assert.equal(error.data.reason, 'number_not_allowed');
      assert.ok(!('status' in error.data));
      if (to !== '') assert.ok(!error.data.message.includes(to));
      messages.add(error.data.message);
    }
    assert.equal(messages.size, 1);
    assert.equal(gateway.requests.length, 0);
  });

  test('the administrator reads of allowedPrefixes, an end user is not', async () => {
    const config = validConfig({ allowedPrefixes: '375, Russia' });
    const connector = await createConnector({ getConfig: async () => config, ...options });
    const answer = (await caught(connector.sendMessage(message(), config))).data.errorDescription;
    assert.match(answer, /allowedPrefixes/);
    assert.match(answer, /Russia/);
    const { data } = await caught(connector.sendMessage(message()));
    assert.doesNotMatch(`${data.message} ${data.errorDescription}`, /prefix|375|Russia/i);
  });
});

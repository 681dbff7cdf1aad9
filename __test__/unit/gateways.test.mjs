import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { inspect } from 'node:util';

import { caught } from '../support/caught.mjs';
import { validConfig } from '../support/configs.mjs';
import createConnector, { sendMessage } from '../support/package.mjs';
import { message, openGateway, resetGateway, sentTo } from '../support/setup.mjs';
import { faults } from '../support/testing.mjs';

const offline = process.env.SMSAERO_GATEWAYS;
const getConfig = async () => validConfig();

let gateway;
let closed;

before(async () => {
  gateway = await openGateway();
  const gone = await openGateway();
  await gone.stop();
  closed = gone.url;
});

after(() => gateway.stop());

beforeEach(() => {
  resetGateway(gateway);
  process.env.SMSAERO_GATEWAYS = offline;
});

const sendTo = (gateways) => sendMessage(message(), validConfig(), { gateways });

describe('gateways', () => {
  test('they come as a list or as one string', async () => {
    const { url } = gateway;
    for (const gateways of [url, [url], `${url}/`, ` ${url} `, `${url},${url}`, `, ${url} ,`, [` ${url}`, url]]) {
      assert.equal((await sendTo(gateways)).gateway, url);
      const { sendMessage: send } = await createConnector({ getConfig, gateways });
      assert.equal((await send(message())).gateway, url);
    }
  });

  test('they come from the environment where no option says otherwise', async () => {
    process.env.SMSAERO_GATEWAYS = gateway.url;
    assert.equal((await sendMessage(message(), validConfig())).gateway, gateway.url);
    assert.equal((await sendMessage(message(), validConfig(), {})).gateway, gateway.url);
    const { sendMessage: send } = await createConnector({ getConfig });
    assert.equal((await send(message())).gateway, gateway.url);
    process.env.SMSAERO_GATEWAYS = closed;
    assert.equal((await sendTo(gateway.url)).gateway, gateway.url);
  });

  test('a base may have a path', async () => {
    gateway.failNext('noMoney');
    await caught(sendTo(`${gateway.url}/`));
    await caught(sendTo(`${gateway.url}/egress/sms/`));
    assert.deepEqual(
      gateway.requests.map(({ path }) => path),
      ['/v2/sms/send', '/egress/sms/v2/sms/send'],
    );
  });

  test('the next one is tried while nothing can have been delivered', async () => {
    assert.equal((await sendTo([closed, gateway.url])).gateway, gateway.url);
    assert.equal((await sendTo([closed, closed, gateway.url])).gateway, gateway.url);
    assert.equal((await caught(sendTo([closed, closed]))).data.reason, 'unreachable');
  });

  test('no other one is tried once a byte may have left', async () => {
    const other = await openGateway();
    for (const fault of ['reset', 'halfReply', 'garbage']) {
      gateway.failNext(fault);
      const error = await caught(sendTo([gateway.url, other.url]));
      assert.equal(error.data.reason, 'unknown_outcome');
    }
    assert.equal(sentTo(other), 0);
    await other.stop();
  });

  test('a refusal is an answer: no other gateway is asked', async () => {
    const other = await openGateway();
    for (const fault of ['noMoney', 'unavailable', 'rateLimited', 'notJson', 'refused200', 'redirect']) {
      gateway.failNext(fault);
      await caught(sendTo([gateway.url, other.url]));
    }
    assert.equal(sentTo(other), 0);
    await other.stop();
  });

  const REFUSED = {
    'plain http to another host': [
      'http://gate.smsaero.ru',
      'http://192.168.0.1',
      'http://0.0.0.0',
      'http://127.0.0.1.example.com',
      'http://localhost.example.com',
      'http://[::]',
    ],
    'no URL': ['gate.smsaero.ru', 'https://', 'x', '//host', '127.0.0.1:80', 'https:// host'],
    'a host in other letters, whose xn-- name was not given': ['https://\u0448\u043b\u044e\u0437.example'],
    'another scheme': ['ftp://127.0.0.1', 'file:///etc/passwd', 'javascript:alert(1)', 'unix:/run/x'],
    'a query or a fragment': ['https://gate.smsaero.ru?key=1', 'https://gate.smsaero.ru#x'],
  };

  async function assertRefused(gateways) {
    for (const call of [() => createConnector({ getConfig, gateways }), () => sendTo(gateways)]) {
      const error = await caught(call());
      assert.ok(error instanceof Error);
      assert.match(error.message, /gateways/, `${gateways}`);
    }
  }

  for (const [what, bases] of Object.entries(REFUSED)) {
    test(`${what} is a clear error at once`, async () => {
      for (const base of bases) {
        await assertRefused(base);
        // One bad entry spoils a list: a mistake that goes unnoticed is a gateway that is never used.
        await assertRefused([gateway.url, base]);
      }
      assert.equal(gateway.requests.length, 0);
    });
  }

  test('a list with nothing in it is a clear error at once', async () => {
    for (const nothing of ['', ' ', ',', [], ['', ' , ']]) await assertRefused(nothing);
  });

  test('plain http to another host says what to use instead', async () => {
    const error = await caught(createConnector({ getConfig, gateways: 'http://gate.smsaero.ru' }));
    assert.match(error.message, /http:\/\/gate\.smsaero\.ru/);
    assert.match(error.message, /https/);
  });

  test('credentials in a URL are refused and not repeated', async () => {
    const { host } = new URL(gateway.url);
    for (const base of [
      'https://user:hunter2@gate.smsaero.ru',
      'https://hunter2@gate.smsaero.ru',
      'https://:hunter2@gate.smsaero.ru',
      `http://user:hunter2@${host}`,
      'http://user:hunter2@gate.smsaero.ru',
      'https://user:hunter2@gate.smsaero.ru?x#y',
      'ftp://user:hunter2@host',
      'https://user:hunter2@',
      'user:hunter2@gate.smsaero.ru',
    ]) {
      for (const call of [() => createConnector({ getConfig, gateways: base }), () => sendTo([gateway.url, base])]) {
        const error = await caught(call());
        assert.ok(!inspect(error, { showHidden: true, depth: null }).includes('hunter2'), base);
      }
    }
    assert.equal(gateway.requests.length, 0);
  });

  test('the environment is judged like the option', async () => {
    process.env.SMSAERO_GATEWAYS = 'http://gate.smsaero.ru';
    assert.match((await caught(createConnector({ getConfig }))).message, /SMSAERO_GATEWAYS/);
    assert.match((await caught(sendMessage(message(), validConfig()))).message, /SMSAERO_GATEWAYS/);
    process.env.SMSAERO_GATEWAYS = '';
    await createConnector({ getConfig });
  });

  test('every spelling of this machine may be spoken to in the clear', async () => {
    const { port } = gateway;
    for (const base of [
      `http://localhost:${port}`,
      `http://LOCALHOST:${port}`,
      `HTTP://127.0.0.1:${port}`,
      `http://127.1:${port}`,
    ]) {
      await createConnector({ getConfig, gateways: base });
    }
    await createConnector({
      getConfig,
      gateways: ['http://[::1]:1', 'http://127.255.255.254', 'https://gate.smsaero.org'],
    });
  });

  test('a burst waits for its share of connections, and none of it is lost', async (t) => {
    const slow = await openGateway();
    t.after(() => slow.stop());
    slow.respondWith(faults.slow({ delayMs: 50 }));
    const receipts = await Promise.all(Array.from({ length: 1000 }, () => sendTo(slow.url)));
    assert.equal(new Set(receipts.map(({ id }) => id)).size, 1000);
    // All of them are used, and a connection that broke may have been replaced.
    const { opened } = slow.connections;
    assert.ok(opened >= 96 && opened <= 200, `${opened} connections`);
  });
});

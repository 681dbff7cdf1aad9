import assert from 'node:assert/strict';
import { tracingChannel } from 'node:diagnostics_channel';
import { after, before, beforeEach, describe, test } from 'node:test';
import { inspect } from 'node:util';

import { caught } from '../support/caught.mjs';
import { isConnectorError } from '../support/classes.mjs';
import { validConfig } from '../support/configs.mjs';
import { getBalance, getStatus, listSenderNames, sendText } from '../support/package.mjs';
import { openGateway, sentTo } from '../support/setup.mjs';
import { faults, startGateway } from '../support/testing.mjs';

const account = { email: 'owner@example.com', apiKey: 'key-that-nobody-may-read', senderName: 'Shop' };
const text = 'Your parcel 48291377 is here.';
const to = '79012223344';
// Half of what V8 can hold in one string, so that two of them do not fit into one.
const ENDLESS = 'x'.repeat(280_000_000);
const SECRETS = /owner@example|key-that-nobody|79012223344|48291377|parcel/;

let gateway;
let options;

before(async () => {
  gateway = await openGateway();
  options = { gateways: gateway.url };
});

after(() => gateway.stop());

beforeEach(() => gateway.reset());

/** The only request for anything but a message. */
const asked = () => {
  const [{ method, path, body }, ...rest] = gateway.requests.filter((request) => !request.path.endsWith('send'));
  assert.deepEqual(rest, []);
  return { method, path, body: JSON.parse(body) };
};

async function problemOf(promise) {
  const error = await caught(promise);
  assert.ok(isConnectorError(error), inspect(error));
  assert.doesNotMatch(inspect(error, { depth: 9 }), SECRETS);
  return error;
}

describe('sendText', () => {
  test('sends one text, and gives the receipt', async () => {
    const receipt = await sendText({ to, text }, account, options);
    const [{ id, cost, sign }] = gateway.messages;
    assert.deepEqual([receipt.id, receipt.cost, receipt.gateway, sign], [id, cost, gateway.url, 'Shop']);
    assert.equal(gateway.requests[0].body, JSON.stringify({ number: to, sign: 'Shop', text }));
  });

  test('takes the name that all customers share where none is given, and a whole configuration', async () => {
    const { senderName, ...nameless } = account;
    await sendText({ to, text }, nameless, options);
    await sendText({ to, text }, { ...validConfig(), testMode: true }, options);
    assert.deepEqual(
      gateway.messages.map(({ sign, test: isTest }) => [sign, isTest]),
      [
        ['SMS Aero', false],
        [validConfig().senderName, true],
      ],
    );
  });

  test('is confirmed by the list when the reply is lost, and is never sent twice', async () => {
    gateway.failNext(faults.reset({ accept: true }));
    // Not a text of the other tests, whose sends have only just ended.
    assert.equal((await sendText({ to, text: `${text}!` }, account, options)).id, gateway.messages[0].id);
    gateway.respondToList('ipNotAllowed');
    gateway.failNext(faults.reset());
    const error = await problemOf(sendText({ to, text: `${text}.` }, account, options));
    assert.equal(error.data.reason, 'unknown_outcome');
    assert.equal(sentTo(gateway), 2);
  });

  test('does not show a reply that repeats the message', async () => {
    gateway.failNext(faults.echo());
    const error = await problemOf(sendText({ to, text }, account, options));
    assert.equal(error.data.status, 400);
    assert.match(error.data.message, /^The reply is not shown/);
    for (const repeated of ['48291377', '4829-1377']) {
      gateway.failNext(faults.reply({ status: 403, body: `stop word: ${repeated}` }));
      const { data } = await problemOf(sendText({ to, text }, account, options));
      assert.match(data.message, /^The reply is not shown/);
    }
  });

  test('a wrong part is named', async () => {
    const throwing = Object.defineProperty({}, 'text', { get: () => assert.fail('secret') });
    for (const [message, own, words] of [
      [undefined, account, '`message` is not an object'],
      [{ text }, account, '`to` is not a string'],
      [{ to: '+79012223344', text }, account, '`to` is not a phone number'],
      [{ to: '12', text }, account, '`to` is not a phone number'],
      [{ to }, account, '`text` is not a string'],
      [{ to, text: '' }, account, '`text` is empty'],
      [{ to, text: ENDLESS }, account, '`text` is longer than 100000 characters'],
      [{ to: ENDLESS, text }, account, '`to` is not a phone number'],
      [throwing, account, '`text` threw an error'],
      [{ to, text }, null, '`account` is not an object'],
      [{ to, text }, { ...account, email: 'owner' }, '`account.email` is not an e-mail address'],
      [{ to, text }, { ...account, apiKey: 7 }, '`account.apiKey` is not a string'],
      [{ to, text }, { ...account, senderName: '' }, '`account.senderName` is empty'],
      [
        { to, text },
        { ...account, email: ENDLESS, apiKey: ENDLESS },
        '`account.email` is longer than 100000 characters',
      ],
      [{ to, text }, { ...account, apiKey: ENDLESS }, '`account.apiKey` is longer than 100000 characters'],
      [{ to, text }, { ...account, senderName: ENDLESS }, '`account.senderName` is longer than 100000 characters'],
      [{ to, text }, { ...account, testMode: 'yes' }, '`account.testMode` is not true or false'],
    ]) {
      const error = await problemOf(sendText(message, own, options));
      assert.equal(error.code, 'invalid_request_parameters');
      assert.ok(error.data.message.startsWith(`The call to sendText is wrong: ${words}`), error.data.message);
    }
    assert.deepEqual(gateway.requests, []);
    await assert.rejects(sendText({ to, text }, account, { timeoutMs: 0 }), /timeoutMs/);
  });
});

describe('getStatus', () => {
  test('says what became of a message, and whether it stays so', async () => {
    const { id } = await sendText({ to, text }, account, options);
    const states = [];
    for (const state of ['queued', 'moderation', 'at_operator', 'delivered', 'undelivered', 'rejected']) {
      gateway.advance(id, state);
      const { state: answer, isFinal, ...rest } = await getStatus(id, account, options);
      states.push([answer, isFinal]);
      assert.deepEqual([rest.id, rest.from, typeof rest.cost], [id, 'Shop', 'number']);
      assert.doesNotMatch(JSON.stringify(rest), SECRETS);
    }
    assert.deepEqual(states, [
      ['queued', false],
      ['moderation', false],
      ['at_operator', false],
      ['delivered', true],
      ['undelivered', true],
      ['rejected', true],
    ]);
  });

  test('asks about a test message in test mode, by a number or by its digits', async () => {
    const inTest = { ...account, testMode: true };
    const { id } = await sendText({ to, text }, inTest, options);
    assert.equal((await getStatus(String(id), inTest, options)).id, id);
    assert.deepEqual(asked(), { method: 'POST', path: '/v2/sms/teststatus', body: { id } });
    const error = await problemOf(getStatus(id, account, options));
    assert.deepEqual([error.data.reason, error.data.status], ['validation', 400]);
    assert.match(error.data.errorDescription, /for a test message only with testMode/);
  });

  test('asks for a number that JavaScript cannot hold exactly, by its digits or a bigint', async () => {
    for (const id of [2n ** 53n + 1n, 2n ** 64n - 1n]) {
      for (const written of [id, `${id}`]) {
        assert.equal((await problemOf(getStatus(written, account, options))).data.status, 400);
        assert.equal(gateway.requests.at(-1).body, `{"id":${id}}`);
      }
    }
  });

  test('a number that is none is named', async () => {
    const tooLarge = [2n ** 64n, `${2n ** 64n}`, '9'.repeat(280_000_000)];
    for (const id of [undefined, null, '', '1x', '+1', -1, -1n, 1.5, Number.NaN, 2 ** 60, {}, ...tooLarge]) {
      const { data } = await problemOf(getStatus(id, account, options));
      assert.match(data.message, /^The call to getStatus is wrong: `id` is not the id of a message/);
    }
    assert.deepEqual(gateway.requests, []);
  });
});

describe('getBalance and listSenderNames', () => {
  test('give what the account has', async () => {
    gateway.account.balance = 12.5;
    assert.equal(await getBalance(account, options), 12.5);
    gateway.clear();
    gateway.account.signs = ['Shop', { name: 'New', status: 0 }];
    const names = await listSenderNames(account, options);
    assert.deepEqual(
      names.map(({ name, isApproved, status }) => [name, isApproved, status]),
      [
        ['Shop', true, 1],
        ['New', false, 0],
      ],
    );
    assert.deepEqual(asked(), { method: 'POST', path: '/v2/sign/list', body: {} });
  });

  test('read every page', async () => {
    const http = await import('node:http');
    const server = http.createServer((request, response) => {
      let body = '';
      request.on('data', (chunk) => {
        body += chunk;
      });
      request.on('end', () => {
        const { page = 1 } = JSON.parse(body);
        const data = { 0: { id: page, name: `Name ${page}`, status: 1 }, totalCount: '3' };
        response.end(JSON.stringify({ success: true, data, message: null }));
      });
    });
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
    const names = await listSenderNames(account, { gateways: `http://127.0.0.1:${server.address().port}` });
    assert.deepEqual(
      names.map(({ name }) => name),
      ['Name 1', 'Name 2', 'Name 3'],
    );
    server.closeAllConnections();
    server.close();
  });

  test('try the next gateway, whatever happened at one', async (t) => {
    const broken = await openBroken(t, ['unavailable', 'reset', 'silence', 'notJson', 'redirect', 'halfReply']);
    for (const url of broken) {
      assert.equal(await getBalance(account, { gateways: [url, gateway.url], timeoutMs: 1000 }), 1e9, url);
    }
  });

  test('say what is wrong, in code and in words', async () => {
    gateway.account.ipAllowed = false;
    const { code, data } = await problemOf(getBalance(account, options));
    assert.deepEqual([code, data.reason, data.status], ['general', 'ip_not_allowed', 404]);
    assert.match(data.errorDescription, /allow-list/);
    gateway.account.ipAllowed = true;
    gateway.account.allowAnyCredentials = false;
    assert.equal((await problemOf(listSenderNames(account, options))).data.reason, 'unauthorized');
    const closed = await openGateway();
    await closed.stop();
    assert.equal((await problemOf(getBalance(account, { gateways: closed.url }))).data.reason, 'unreachable');
    const nothing = await problemOf(getBalance({}, options));
    assert.match(nothing.data.message, /^The call to getBalance is wrong: `account.email` is not a string/);
  });

  test('settle in time where nobody answers', async (t) => {
    const [silent] = await openBroken(t, ['silence']);
    const started = Date.now();
    const { data } = await problemOf(getBalance(account, { gateways: [silent, silent], timeoutMs: 600 }));
    assert.equal(data.reason, 'timeout');
    assert.ok(Date.now() - started < 5000);
  });
});

/** Servers that do this to every request. */
async function openBroken(t, kinds) {
  const net = await import('node:net');
  const head = 'HTTP/1.1 ';
  const actions = {
    unavailable: (socket) => socket.end(`${head}503 No\r\ncontent-length: 2\r\n\r\nno`),
    reset: (socket) => socket.resetAndDestroy(),
    silence: () => {},
    notJson: (socket) => socket.end(`${head}200 OK\r\ncontent-length: 6\r\n\r\n<html>`),
    redirect: (socket) => socket.end(`${head}302 Found\r\nlocation: /\r\ncontent-length: 0\r\n\r\n`),
    halfReply: (socket) => socket.end(`${head}200 OK\r\ncontent-length: 60\r\n\r\n{"success":true`),
  };
  return Promise.all(
    kinds.map(async (kind) => {
      const sockets = new Set();
      const server = net.createServer((socket) => {
        sockets.add(socket);
        socket.on('error', () => {});
        socket.once('data', () => actions[kind](socket));
      });
      await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
      t.after(() => {
        for (const socket of sockets) socket.destroy();
        server.close();
      });
      return `http://127.0.0.1:${server.address().port}`;
    }),
  );
}

describe('what the plain functions tell of themselves', () => {
  test('a text has a trace without a usage type, a question one of its own', async () => {
    const traces = [];
    const channels = ['send', 'ask'].map((name) => tracingChannel(`connector-smsaero:${name}`));
    const subscribers = { asyncEnd: ({ result, error, ...trace }) => traces.push(trace) };
    for (const channel of channels) channel.subscribe(subscribers);
    await sendText({ to, text }, account, options);
    await getBalance(account, options);
    await getStatus(1, account, options).catch(() => {});
    await getStatus('x', account, options).catch(() => {});
    for (const channel of channels) channel.unsubscribe(subscribers);
    const [sent, balance, status, wrong] = traces.map(({ totalMs, connectMs, ...trace }) => trace);
    assert.deepEqual([sent.usageType, sent.outcome, sent.number], [null, 'accepted', '7901*****44']);
    const { url } = gateway;
    const trace = { gateway: url, attempts: 1, reason: null, httpStatus: null };
    assert.deepEqual(balance, { call: 'getBalance', ...trace, outcome: 'answered' });
    const refused = { outcome: 'refused', reason: 'validation', httpStatus: 400 };
    assert.deepEqual(status, { call: 'getStatus', ...trace, ...refused });
    assert.deepEqual(wrong, { call: 'getStatus', outcome: 'unanswered', reason: 'validation' });
    assert.doesNotMatch(JSON.stringify(traces), SECRETS);
  });

  test('a subscriber that throws or freezes changes nothing', async () => {
    const channel = tracingChannel('connector-smsaero:ask');
    const subscribers = { start: (context) => Object.freeze(context) };
    channel.subscribe(subscribers);
    assert.equal(await getBalance(account, options), 1e9);
    channel.unsubscribe(subscribers);
  });

  test('they go over TLS that Node trusts, and over no other', async (t) => {
    const { certificate } = await import('../support/testing.mjs');
    const { key, cert } = certificate();
    const secure = await startGateway({ tls: { key, cert } });
    t.after(() => secure.stop());
    const error = await problemOf(getBalance(account, { gateways: secure.url }));
    assert.equal(error.data.reason, 'unreachable');
    assert.match(error.data.errorDescription, /certificate|UnknownIssuer/i);
  });
});

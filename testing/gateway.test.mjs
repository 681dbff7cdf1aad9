import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import http from 'node:http';
import https from 'node:https';
import net from 'node:net';
import { describe, test } from 'node:test';
import tls from 'node:tls';
import { gunzipSync } from 'node:zlib';

import { inPackage } from '../__test__/support/package.mjs';
import { fixture, start } from '../__test__/support/child.mjs';
import { kit } from '../__test__/support/testing.mjs';

const { account, certificate, faults, segment, startGateway } = kit;

const NUMBER = '79001234567';
const TEXT = 'Your code is 123456';
const MESSAGE = { number: NUMBER, sign: 'SMSAero', text: TEXT };

function basic(email = account.email, apiKey = account.apiKey) {
  return `Basic ${Buffer.from(`${email}:${apiKey}`).toString('base64')}`;
}

async function open(t, options) {
  const gateway = await startGateway(options);
  t.after(() => gateway.stop());
  return gateway;
}

/** One request in full: what came, whether it was complete, and how it failed. */
function request(gateway, options = {}) {
  const {
    path = '/v2/sms/send',
    method = 'POST',
    body = MESSAGE,
    headers = {},
    authorization = basic(),
    ...rest
  } = options;
  const secure = gateway.url.startsWith('https');
  const payload = typeof body === 'string' ? body : JSON.stringify(body);
  const seen = { informational: [], status: null, headers: null, body: Buffer.alloc(0) };

  return new Promise((resolve) => {
    const finish = (error) => resolve({ ...seen, error: error?.code ?? null });
    const call = (secure ? https : http).request(`${gateway.url}${path}`, {
      method,
      agent: new (secure ? https : http).Agent({ keepAlive: false }),
      headers: {
        ...(authorization ? { authorization } : {}),
        ...(method === 'GET' ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...rest,
    });
    call.on('error', finish);
    call.on('information', ({ statusCode }) => seen.informational.push(statusCode));
    call.on('response', (response) => {
      Object.assign(seen, { status: response.statusCode, headers: response.headers });
      response.on('data', (chunk) => (seen.body = Buffer.concat([seen.body, chunk])));
      response.on('error', finish);
      response.on('end', () => finish());
    });
    call.end(method === 'GET' ? undefined : payload);
  });
}

async function ask(gateway, options) {
  const { status, body } = await request(gateway, options);
  return { status, ...JSON.parse(body) };
}

/** Every byte of a connection's other side, until it closes or `quietMs` pass without one. */
async function converse(gateway, text, quietMs = 60) {
  const socket = net.connect(gateway.port, '127.0.0.1');
  const chunks = [];
  socket.on('data', (chunk) => chunks.push(chunk));
  socket.setTimeout(quietMs, () => socket.destroy());
  let error = null;
  socket.on('error', ({ code }) => (error = code));
  socket.write(text);
  await new Promise((resolve) => socket.once('close', resolve));
  return { text: Buffer.concat(chunks).toString('latin1'), error };
}

function rawSend(body = JSON.stringify(MESSAGE)) {
  const length = Buffer.byteLength(body);
  return (
    `POST /v2/sms/send HTTP/1.1\r\nHost: gate\r\nAuthorization: ${basic()}\r\n` +
    `Content-Type: application/json\r\nContent-Length: ${length}\r\n\r\n${body}`
  );
}

async function eventually(condition, what) {
  for (let turn = 0; turn < 200; turn += 1) {
    if (condition()) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  assert.fail(`never happened: ${what}`);
}

describe('the API', () => {
  test('answers the questions about an account', async (t) => {
    const signs = ['SMS Aero', { name: 'MyShop', status: 0 }];
    const gateway = await open(t, { account: { balance: 12.5, signs } });
    for (const method of ['GET', 'POST']) {
      const at = (path) => ask(gateway, { path, method, body: '' });
      assert.deepEqual(await at('/v2/auth'), {
        status: 200,
        success: true,
        data: null,
        message: 'Successful authorization.',
      });
      assert.deepEqual((await at('/v2/balance')).data, { balance: 12.5 });
      assert.deepEqual((await at('/v2/sign/list')).data, {
        0: { id: 1, name: 'SMS Aero', status: 1, extendStatus: 'active' },
        1: { id: 2, name: 'MyShop', status: 0, extendStatus: 'pending' },
        totalCount: '2',
      });
    }
    assert.equal(gateway.messages.length, 0);
  });

  test('accepts a message and describes it', async (t) => {
    const gateway = await open(t);
    const before = Math.floor(Date.now() / 1000);
    const { data, ...envelope } = await ask(gateway);
    assert.deepEqual(envelope, { status: 200, success: true, message: null });
    assert.ok(Number.isInteger(data.id));
    assert.ok(data.dateCreate >= before && data.dateSend === data.dateCreate);
    assert.deepEqual(
      { ...data, id: 0, dateCreate: 0, dateSend: 0 },
      {
        id: 0,
        from: 'SMSAero',
        number: NUMBER,
        text: TEXT,
        status: 0,
        extendStatus: 'queue',
        channel: 'FREE SIGN',
        cost: account.cost,
        dateCreate: 0,
        dateSend: 0,
      },
    );
    const other = await ask(gateway, { body: { ...MESSAGE, sign: 'MyShop' } });
    assert.equal(other.data.channel, 'DIRECT');
    assert.notEqual(other.data.id, data.id);
  });

  test('reads JSON, forms and queries alike', async (t) => {
    const gateway = await open(t);
    const form = new URLSearchParams(MESSAGE).toString();
    const formType = { 'content-type': 'application/x-www-form-urlencoded' };
    const ways = [
      {},
      { body: { ...MESSAGE, number: Number(NUMBER) } },
      { body: form, headers: formType },
      { path: `/v2/sms/send?${form}`, method: 'GET' },
      { path: `/v2/sms/send?${form}`, body: '' },
      { path: `/v2/sms/send?number=1&text=x&sign=y`, body: MESSAGE },
    ];
    for (const way of ways) assert.equal((await ask(gateway, way)).status, 200);
    for (const { number, sign, text } of gateway.messages) {
      assert.deepEqual({ number, sign, text }, MESSAGE);
    }
    assert.equal(gateway.messages.length, ways.length);
  });

  test('takes a list of numbers, from JSON and from a form', async (t) => {
    const gateway = await open(t);
    const numbers = [NUMBER, '375291234567'];
    const { data } = await ask(gateway, { body: { ...MESSAGE, number: undefined, numbers } });
    assert.deepEqual(
      data.map(({ number }) => number),
      numbers,
    );
    assert.equal(gateway.account.balance, account.balance - 2 * account.cost);

    const body = new URLSearchParams([
      ['numbers[]', numbers[0]],
      ['numbers[]', numbers[1]],
      ['sign', 'a'],
      ['text', TEXT],
    ]).toString();
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    assert.equal((await ask(gateway, { body, headers })).data.length, 2);
    assert.equal(new Set(gateway.messages.map(({ id }) => id)).size, 4);
  });

  test('takes the credentials of whoever names no account', async (t) => {
    const gateway = await open(t);
    assert.equal(
      (await ask(gateway, { authorization: basic('me@example.com', 'my-key') })).status,
      200,
    );
    gateway.reset();
    assert.equal((await ask(gateway, { authorization: basic('x', 'y') })).status, 200);
    assert.equal((await ask(gateway, { authorization: 'Bearer x' })).status, 401);
    const strict = await open(t, { account: { allowAnyCredentials: false } });
    assert.equal((await ask(strict, { authorization: basic('x', 'y') })).status, 401);
  });

  test('a wait in vain says what was refused meanwhile and why', async (t) => {
    const gateway = await open(t, { account: { email: 'owner@example.com' } });
    const wait = () => gateway.nextCode(NUMBER, { timeoutMs: 5 });
    await ask(gateway, { authorization: basic('me@example.com', 'secret-key') });
    await assert.rejects(wait(), {
      code: 'TIMEOUT',
      message:
        /Refused meanwhile: 1, such as \/v2\/sms\/send: HTTP 401, Your request was made with/,
    });
    gateway.account.allowAnyCredentials = true;
    await ask(gateway, { body: { number: NUMBER, text: 'Code 482913' } });
    gateway.failNext(faults.noMoney());
    await ask(gateway);
    await assert.rejects(wait(), ({ message }) => {
      assert.match(
        message,
        /Refused meanwhile: 3, .*HTTP 400, Validation error\. \(sign\).*fault noMoney/,
      );
      assert.doesNotMatch(message, /482913|secret-key|me@example/);
      return true;
    });
  });

  test('takes nothing from a page of another origin', async (t) => {
    const gateway = await open(t);
    for (const foreign of [
      { origin: 'https://evil.example' },
      { origin: 'null' },
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site' },
    ]) {
      const { status } = await request(gateway, { headers: foreign });
      assert.equal(status, 403, JSON.stringify(foreign));
    }
    assert.deepEqual([gateway.messages, gateway.requests], [[], []]);
    assert.equal((await request(gateway, { headers: { origin: gateway.url } })).status, 200);
  });

  test('refuses wrong credentials', async (t) => {
    const gateway = await open(t, { account: { allowAnyCredentials: false } });
    const wrong = [null, 'Bearer x', 'Basic', basic('x'), basic(undefined, 'x'), 'Basic !!!'];
    for (const authorization of wrong) {
      const answer = await ask(gateway, { authorization });
      assert.equal(answer.status, 401, authorization);
      assert.deepEqual(answer.data, null);
      assert.equal(answer.message, 'Your request was made with invalid credentials.');
    }
    assert.equal(gateway.messages.length, 0);
  });

  test('compares credentials as UTF-8, colons and all', async (t) => {
    const gateway = await open(t, { account: { email: 'ü@example.com', apiKey: 'a:б:c' } });
    const right = basic('ü@example.com', 'a:б:c');
    assert.equal((await ask(gateway, { authorization: right })).status, 200);
    assert.equal((await ask(gateway)).status, 401);

    gateway.account.allowAnyCredentials = true;
    assert.equal((await ask(gateway)).status, 200);
    assert.equal((await ask(gateway, { authorization: null })).status, 401);
  });

  test('names the fields that are wrong', async (t) => {
    const gateway = await open(t, { account: { strictSigns: true } });
    const cases = [
      [{}, { number: ['required'], sign: ['required'], text: ['required'] }],
      [{ ...MESSAGE, sign: '' }, { sign: ['required'] }],
      [{ ...MESSAGE, sign: null }, { sign: ['required'] }],
      [{ ...MESSAGE, sign: 'Stranger' }, { sign: ['incorrect'] }],
      [{ ...MESSAGE, number: '123456' }, { number: ['incorrect'] }],
      [{ ...MESSAGE, number: '1234567890123456' }, { number: ['incorrect'] }],
      [{ ...MESSAGE, number: '+79001234567' }, { number: ['incorrect'] }],
      [{ ...MESSAGE, number: [NUMBER] }, { number: ['incorrect'] }],
      [{ ...MESSAGE, numbers: [NUMBER, 'x'] }, { numbers: ['incorrect'] }],
      [{ ...MESSAGE, numbers: [] }, { numbers: ['incorrect'] }],
      [{ ...MESSAGE, text: 'x' }, { text: ['incorrect'] }],
      [{ ...MESSAGE, text: 'x'.repeat(641) }, { text: ['incorrect'] }],
      [{ ...MESSAGE, text: 'x'.repeat(5000) }, { text: ['incorrect'] }],
      [{ ...MESSAGE, text: ['xx'] }, { text: ['incorrect'] }],
    ];
    for (const [body, data] of cases) {
      const answer = { status: 400, success: false, data, message: 'Validation error.' };
      assert.deepEqual(await ask(gateway, { body }), answer);
    }
    assert.equal(gateway.messages.length, 0);
    assert.ok(gateway.requests.every(({ accepted }) => !accepted));
  });

  test('accepts at the limits', async (t) => {
    const gateway = await open(t);
    for (const number of ['1234567', '123456789012345']) {
      assert.equal((await ask(gateway, { body: { ...MESSAGE, number } })).status, 200);
    }
    for (const text of ['xx', 'x'.repeat(640), '🙂'.repeat(640)]) {
      assert.equal((await ask(gateway, { body: { ...MESSAGE, text } })).status, 200);
    }
  });

  test('survives bodies that are made to break it', async (t) => {
    const gateway = await open(t);
    const hostile = [
      'null',
      '[]',
      '"x"',
      '{',
      '',
      '\u0000',
      '{"__proto__":{"number":"79001234567"}}',
      '{"number":{"toString":1},"sign":{"toString":1},"text":{"toString":1}}',
      '{"numbers":[{"toString":1}],"sign":"a","text":"bb"}',
      '{"numbers":{"length":3},"sign":"a","text":"bb"}',
    ];
    for (const body of hostile) {
      assert.equal((await ask(gateway, { body })).status, 400, body);
      const headers = { 'content-type': 'text/plain' };
      assert.equal((await ask(gateway, { body, headers })).status, 400, body);
    }
    const id = '{"id":{"valueOf":1}}';
    assert.equal((await ask(gateway, { path: '/v2/sms/status', body: id })).status, 400);
    const dateSend = { valueOf: 1 };
    assert.equal((await ask(gateway, { body: { ...MESSAGE, dateSend } })).status, 200);
  });

  test('refuses a body beyond a mebibyte', async (t) => {
    const gateway = await open(t);
    assert.equal((await request(gateway, { body: 'x'.repeat((1 << 20) + 1) })).status, 413);
    assert.equal((await ask(gateway)).status, 200);
  });

  test('bills the parts of a real message, and nothing for a test', async (t) => {
    const gateway = await open(t, { account: { balance: 10.01, cost: 3.3 } });
    const body = { ...MESSAGE, text: 'я'.repeat(71) };
    const test = await ask(gateway, { path: '/v2/sms/testsend', body });
    assert.equal(test.data.cost, 6.6);
    assert.equal(gateway.account.balance, 10.01);

    assert.equal((await ask(gateway, { body })).data.cost, 6.6);
    assert.equal(gateway.account.balance, 3.41);
    const answer = { status: 402, success: false, data: null, message: 'Not enough money' };
    assert.deepEqual(await ask(gateway, { body }), answer);
    assert.equal(gateway.account.balance, 3.41);
    assert.equal((await ask(gateway, { path: '/v2/sms/testsend', body })).status, 200);
    assert.deepEqual(
      gateway.messages.map(({ test, parts }) => [test, parts]),
      [
        [true, 2],
        [false, 2],
        [true, 2],
      ],
    );
  });

  test('knows callers it must not serve, and methods it does not have', async (t) => {
    const gateway = await open(t, { account: { ipAllowed: false } });
    const refused = await ask(gateway);
    assert.deepEqual([refused.status, refused.message], [404, 'Invalid ip-address']);
    gateway.account.ipAllowed = true;
    for (const path of ['/v2/sms', '/v2/sms/send/', '/', '/v2/__proto__', '/v1/sms/send']) {
      assert.equal((await ask(gateway, { path })).status, 404, path);
    }
    assert.equal((await ask(gateway, { method: 'PUT' })).status, 404);
    assert.equal(gateway.messages.length, 0);
  });

  test('moves a message from queued to delivered', async (t) => {
    const gateway = await open(t);
    const { data } = await ask(gateway);
    const status = (path, id) => ask(gateway, { path, body: { id } });
    const first = await status('/v2/sms/status', data.id);
    assert.deepEqual(first.data, { ...data, number: Number(data.number), cost: String(data.cost) });
    const second = await status('/v2/sms/status', data.id);
    assert.deepEqual([second.data.status, second.data.extendStatus], [1, 'delivery']);
    assert.ok(Number.isInteger(second.data.dateAnswer));

    assert.equal((await status('/v2/sms/teststatus', data.id)).status, 400);
    assert.equal((await status('/v2/sms/status', 1)).status, 400);
    assert.deepEqual((await status('/v2/sms/status')).data, { id: ['required'] });

    const tested = await ask(gateway, { path: '/v2/sms/testsend' });
    assert.equal((await status('/v2/sms/teststatus', tested.data.id)).data.status, 0);
    assert.equal((await status('/v2/sms/teststatus', tested.data.id)).data.status, 1);
  });

  test('says of a message what a test says of it', async (t) => {
    const gateway = await open(t);
    const { data } = await ask(gateway);
    const states = { queued: 0, delivered: 1, undelivered: 2, at_operator: 3, waiting: 4, rejected: 6, moderation: 8 };
    for (const [state, status] of Object.entries(states)) {
      gateway.advance(gateway.messages[0], state);
      const answer = await ask(gateway, { path: '/v2/sms/status', body: { id: data.id } });
      assert.equal(answer.data.status, status, state);
    }
    assert.throws(() => gateway.advance(data.id, 'lost'), /advance takes queued, delivered/);
    assert.throws(() => gateway.advance(1, 'queued'), /no message 1/);
  });

  test('lists messages by number and text, the newest first, in pages', async (t) => {
    const gateway = await open(t);
    const list = (body = {}, path = '/v2/sms/list') => ask(gateway, { path, body });
    const none = await list();
    assert.deepEqual([none.status, none.data.totalCount, Object.keys(none.data)], [200, '0', ['links', 'totalCount']]);
    for (let place = 0; place < 52; place += 1) await ask(gateway, { body: { ...MESSAGE, text: `Text ${place}` } });
    await ask(gateway, { path: '/v2/sms/testsend' });

    const { data } = await list();
    assert.deepEqual([data.totalCount, Object.keys(data).length, data['0'].text], ['52', 52, 'Text 51']);
    assert.deepEqual(data.links, {
      self: '/v2/sms/list?page=1',
      first: '/v2/sms/list?page=1',
      next: '/v2/sms/list?page=2',
      last: '/v2/sms/list?page=2',
    });
    assert.deepEqual([typeof data['0'].number, typeof data['0'].cost], ['number', 'string']);
    assert.equal((await list({ page: 2 })).data['1'].text, 'Text 0');
    assert.equal((await list({ text: 'Text 5' })).data.totalCount, '3');
    assert.equal((await list({ number: '7999' })).data.totalCount, '0');
    assert.equal((await list({}, '/v2/sms/testlist')).data.totalCount, '1');
    assert.equal((await list({}, '/v2/sms/testlist')).data['0'].status, 0);
  });

  test('lists late, never, or not at all', async (t) => {
    const gateway = await open(t);
    await ask(gateway);
    const list = () => ask(gateway, { path: '/v2/sms/list', body: {} });
    const total = async () => (await list()).data.totalCount;
    gateway.respondToList({ lagMs: 60_000 });
    assert.equal(await total(), '0');
    gateway.respondToList('empty');
    assert.equal(await total(), '0');
    gateway.respondToList(faults.reply({ status: 500, body: {} }));
    assert.equal((await list()).status, 500);
    gateway.respondToList(({ path }) => (path === '/v2/sms/list' ? 'ipNotAllowed' : null));
    assert.equal((await list()).status, 404);
    gateway.respondToList({ lagMs: 0 });
    assert.equal(await total(), '1');
    gateway.respondToList('empty');
    gateway.reset();
    await ask(gateway);
    assert.equal(await total(), '1');
    for (const script of [{ lagMs: -1 }, { lagMs: 1, kind: 'reset' }, 'late']) {
      assert.throws(() => gateway.respondToList(script), TypeError);
    }
  });
});

test('segments are counted as operators count them', () => {
  const cases = [
    ['', 'GSM', 0, 1],
    ['a'.repeat(160), 'GSM', 160, 1],
    ['a'.repeat(161), 'GSM', 161, 2],
    ['a'.repeat(306), 'GSM', 306, 2],
    ['a'.repeat(307), 'GSM', 307, 3],
    ['€'.repeat(80), 'GSM', 160, 1],
    ['€'.repeat(81), 'GSM', 162, 2],
    [`${'a'.repeat(152)}€${'a'.repeat(152)}`, 'GSM', 306, 3],
    ['^{}\\[~]|\f', 'GSM', 18, 1],
    ['@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ ¤ÄÖÑÜ§¿äöñüà', 'GSM', 44, 1],
    ['ç', 'UCS-2', 1, 1],
    ['`', 'UCS-2', 1, 1],
    ['я'.repeat(70), 'UCS-2', 70, 1],
    ['я'.repeat(71), 'UCS-2', 71, 2],
    ['я'.repeat(134), 'UCS-2', 134, 2],
    ['я'.repeat(135), 'UCS-2', 135, 3],
    ['🙂'.repeat(35), 'UCS-2', 70, 1],
    [`${'я'.repeat(66)}🙂${'я'.repeat(66)}`, 'UCS-2', 134, 3],
    ['\ud800', 'UCS-2', 1, 1],
  ];
  for (const [text, alphabet, units, parts] of cases) {
    assert.deepEqual(segment(text), { alphabet, units, parts }, JSON.stringify(text.slice(0, 20)));
  }
});

describe('the inbox', () => {
  test('keeps what a phone would show', async (t) => {
    const gateway = await open(t);
    const before = Date.now();
    await ask(gateway);
    const [message] = gateway.messages;
    const { id, at, headers, ...rest } = message;
    assert.deepEqual(rest, {
      ...MESSAGE,
      code: '123456',
      parts: 1,
      alphabet: 'GSM',
      cost: account.cost,
      test: false,
    });
    assert.ok(Number.isInteger(id) && at >= before && at <= Date.now());
    assert.equal(headers['content-type'], 'application/json');
    assert.equal(headers.authorization, undefined);
    assert.ok(!JSON.stringify(message).includes(basic().slice(6)));
  });

  test('finds the code', async (t) => {
    const gateway = await open(t);
    const cases = [
      ['Your code is 1234', '1234'],
      ['12345678 is it', '12345678'],
      ['Call 123456789 or 79001234567, code 0042', '0042'],
      ['In 123 days', null],
      ['Код: 987654.', '987654'],
      ['It is 1111.\n\n@example.com #2222', '2222'],
      ['It is 1111.\n@example.com #2222 %frame.example', '2222'],
      ['@example.com #2222\nIt is 1111.', '2222'],
      ['It is 1111.\n#2222', '1111'],
    ];
    for (const [text, code] of cases) {
      await ask(gateway, { body: { ...MESSAGE, text } });
      assert.equal((await gateway.nextMessage()).code, code, text);
    }
  });

  test('hands out each message once, the oldest first', async (t) => {
    const gateway = await open(t);
    for (const code of ['1111', '2222', '3333']) {
      await ask(gateway, { body: { ...MESSAGE, text: `Code ${code}` } });
    }
    assert.equal(await gateway.nextCode(NUMBER, { peek: true }), '1111');
    assert.equal(await gateway.nextCode('+7 (900) 123-45-67'), '1111');
    assert.equal(await gateway.nextCode(Number(NUMBER)), '2222');
    assert.equal(await gateway.nextCode(), '3333');
    await assert.rejects(gateway.nextCode(NUMBER, { timeoutMs: 0 }), { code: 'TIMEOUT' });
  });

  test('waits for a message to the right number', async (t) => {
    const gateway = await open(t);
    const wanted = gateway.nextCode('375291234567');
    const peeking = gateway.nextMessage(undefined, { peek: true });
    const next = gateway.nextMessage();
    await ask(gateway);
    assert.equal((await next).number, NUMBER);
    assert.equal((await peeking).number, NUMBER);
    await ask(gateway, { body: { ...MESSAGE, number: '375291234567', text: 'No code' } });
    await ask(gateway, { body: { ...MESSAGE, number: '375291234567', text: 'Code 7777' } });
    assert.equal(await wanted, '7777');
    assert.equal((await gateway.nextMessage()).text, 'No code');
  });

  test('several who wait get a message each, in their order', async (t) => {
    const gateway = await open(t);
    const waiting = [gateway.nextCode(), gateway.nextCode(), gateway.nextCode()];
    for (const code of ['1111', '2222', '3333']) {
      await ask(gateway, { body: { ...MESSAGE, text: `Code ${code}` } });
    }
    assert.deepEqual(await Promise.all(waiting), ['1111', '2222', '3333']);
  });

  test('passes over what came too early', async (t) => {
    const gateway = await open(t);
    await ask(gateway);
    const [old] = gateway.messages;
    const quick = { timeoutMs: 0 };
    await assert.rejects(gateway.nextCode(NUMBER, { after: old, ...quick }), { code: 'TIMEOUT' });
    const future = new Date(Date.now() + 60_000);
    await assert.rejects(gateway.nextCode(NUMBER, { after: future, ...quick }), {
      code: 'TIMEOUT',
    });
    const later = gateway.nextMessage(NUMBER, { after: old });
    await ask(gateway);
    assert.ok((await later).id > old.id);
    assert.equal((await gateway.nextMessage(NUMBER, { after: old.at })).id, old.id);
  });

  test('gives up in words, on a signal, and when the gateway stops', async (t) => {
    const gateway = await open(t);
    await assert.rejects(gateway.nextCode(NUMBER, { timeoutMs: 5 }), {
      code: 'TIMEOUT',
      message: `No code to ${NUMBER} came within 5 ms (0 accepted so far)`,
    });
    const reason = new Error('enough');
    const controller = new AbortController();
    const aborted = gateway.nextCode(NUMBER, { signal: controller.signal });
    controller.abort(reason);
    await assert.rejects(aborted, reason);
    await assert.rejects(gateway.nextCode(NUMBER, { signal: controller.signal }), reason);

    const waiting = gateway.nextCode(NUMBER, { timeoutMs: Infinity });
    const stopped = assert.rejects(waiting, { code: 'STOPPED' });
    await gateway.stop();
    await stopped;
    await assert.rejects(gateway.nextMessage(), { code: 'STOPPED' });
  });

  test('refuses questions that make no sense', async (t) => {
    const gateway = await open(t);
    await assert.rejects(gateway.nextCode({ timeoutMs: 5 }), TypeError);
    await assert.rejects(gateway.nextCode('nobody'), TypeError);
    await assert.rejects(gateway.nextCode(NUMBER, { timeoutMs: -1 }), TypeError);
    await assert.rejects(gateway.nextCode(NUMBER, { timeoutMs: '5' }), TypeError);
    await assert.rejects(gateway.nextCode(NUMBER, { after: 'yesterday' }), TypeError);
  });

  test('tells listeners until they leave', async (t) => {
    const gateway = await open(t);
    const seen = [];
    const leave = gateway.onMessage(({ code }) => seen.push(code));
    await ask(gateway);
    leave();
    await ask(gateway);
    assert.deepEqual(seen, ['123456']);
    assert.throws(() => gateway.onMessage(), TypeError);
  });

  test('forgets on demand, and the oldest by itself', async (t) => {
    const gateway = await open(t, { keep: 2 });
    const { data: first } = await ask(gateway);
    for (const code of ['2222', '3333']) {
      await ask(gateway, { body: { ...MESSAGE, text: `Code ${code}` } });
    }
    assert.deepEqual(
      gateway.messages.map(({ code }) => code),
      ['2222', '3333'],
    );
    assert.equal(gateway.requests.length, 2);
    assert.equal(await gateway.nextCode(), '2222');
    const { status } = await ask(gateway, { path: '/v2/sms/status', body: { id: first.id } });
    assert.equal(status, 400);

    const { messages, requests } = gateway;
    gateway.clear();
    assert.deepEqual([messages.length, requests.length], [0, 0]);
    await assert.rejects(gateway.nextCode(null, { timeoutMs: 0 }), { code: 'TIMEOUT' });
    assert.equal((await ask(gateway)).success, true);
    assert.ok(gateway.messages[0].id > first.id);
  });
});

describe('the record of requests', () => {
  test('holds the wire', async (t) => {
    const gateway = await open(t);
    const body = '{"number":"79001234567","sign":"SMSAero","text":"Код 1234"}';
    await request(gateway, { path: '/v2/sms/send?a=1', body, headers: { 'X-Spelling': 'Kept' } });
    const [seen] = gateway.requests;
    assert.deepEqual(
      [seen.method, seen.path, seen.query, seen.body],
      ['POST', '/v2/sms/send', 'a=1', body],
    );
    assert.equal(seen.headers.authorization, basic());
    assert.equal(seen.headers['content-type'], 'application/json');
    assert.ok(seen.rawHeaders.includes('X-Spelling'));
    assert.deepEqual(
      [seen.accepted, seen.answered, seen.status, seen.fault, seen.connection],
      [true, true, 200, null, 1],
    );
    await request(gateway, { authorization: null });
    assert.deepEqual([gateway.requests[1].accepted, gateway.requests[1].status], [false, 401]);
  });

  test('reads chunked bodies, split anywhere', async (t) => {
    const gateway = await open(t);
    const body = JSON.stringify(MESSAGE);
    const head = rawSend('').replace('Content-Length: 0', 'Transfer-Encoding: chunked');
    const chunks = [...body].map((letter) => `1\r\n${letter}\r\n`).join('');
    const { text } = await converse(gateway, `${head}${chunks}0\r\n\r\n`);
    assert.match(text, /^HTTP\/1\.1 200 OK\r\n/);
    assert.equal(gateway.requests[0].body, body);
  });

  test('tells connections apart, and counts them', async (t) => {
    const gateway = await open(t);
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    t.after(() => agent.destroy());
    await request(gateway, { agent });
    await request(gateway, { agent });
    await request(gateway);
    assert.deepEqual(
      gateway.requests.map(({ connection }) => connection),
      [1, 1, 2],
    );
    assert.equal(gateway.connections.opened, 2);
    await eventually(() => gateway.connections.open === 1, 'one connection left open');
    agent.destroy();
    await eventually(() => gateway.connections.open === 0, 'no connection left open');
  });

  test('leaves paths outside the API to a fallback', async (t) => {
    const fallback = (req, res) => res.end(`page ${req.url}`);
    const gateway = await open(t, { fallback });
    const page = await request(gateway, { path: '/inbox?x', method: 'GET' });
    assert.equal(String(page.body), 'page /inbox?x');
    assert.equal(gateway.requests.length, 0);
    assert.equal((await ask(gateway, { path: '/v2/nothing' })).status, 404);
    assert.equal((await ask(gateway)).status, 200);
  });

  test('a client that leaves in the middle of a request does no harm', async (t) => {
    const gateway = await open(t);
    const socket = net.connect(gateway.port, '127.0.0.1');
    socket.write(rawSend().slice(0, -10));
    await eventually(() => gateway.requests.length === 1, 'the head arrives');
    socket.destroy();
    await eventually(() => gateway.connections.open === 0, 'the connection is gone');
    const [{ accepted, answered, body }] = gateway.requests;
    assert.deepEqual([accepted, answered, body], [false, false, '']);
    assert.match((await converse(gateway, 'nonsense\r\n\r\n')).text, /^$/);
    assert.equal((await ask(gateway)).status, 200);
  });
});

describe('a scripted refusal', () => {
  const refusals = [
    [faults.validation(), 400, /"number":\["incorrect"\]/],
    [faults.validation({ sign: ['required'] }), 400, /"sign":\["required"\]/],
    [faults.unauthorized(), 401, /invalid credentials/],
    [faults.noMoney(), 402, /Not enough money/],
    [faults.ipNotAllowed(), 404, /Invalid ip-address/],
    [faults.rateLimited(), 429, /"success":false/],
    [faults.unavailable(), 503, /<h1>/],
    [faults.refused200(), 200, /"success":false/],
    [faults.refused200({ message: 'Because.' }), 200, /Because\./],
    [faults.rejected(), 200, /"status":6/],
    [faults.notJson(), 200, /<!doctype html>/],
    [faults.notJson({ status: 500 }), 500, /<!doctype html>/],
    [faults.empty(), 200, /^$/],
    [faults.empty({ status: 204 }), 204, /^$/],
    [faults.redirect(), 307, /^$/],
    [faults.reply({ status: 418, body: 'short and stout' }), 418, /^short and stout$/],
    [faults.reply({ body: { result: 'no credits' } }), 200, /^{"result":"no credits"}$/],
  ];
  for (const [fault, status, body] of refusals) {
    test(`${fault.kind} is answered with ${status} and accepts nothing`, async (t) => {
      const gateway = await open(t);
      gateway.failNext(fault);
      const reply = await request(gateway);
      assert.equal(reply.error, null);
      assert.equal(reply.status, status);
      assert.match(String(reply.body), body);
      const [seen] = gateway.requests;
      assert.deepEqual(
        [seen.accepted, seen.answered, seen.status, seen.fault],
        [false, true, status, fault.kind],
      );
      assert.equal(gateway.messages.length, 0);
      assert.equal(gateway.account.balance, account.balance);
      assert.equal((await ask(gateway)).status, 200);
    });
  }

  test('carries the headers it was given', async (t) => {
    const gateway = await open(t);
    gateway.failNext([
      faults.rateLimited({ retryAfter: 7 }),
      faults.redirect({ status: 302, location: 'https://elsewhere.example/' }),
      faults.reply({ body: 'abc', headers: { 'Content-Type': 'a/b', 'Content-Length': '3' } }),
    ]);
    assert.equal((await request(gateway)).headers['retry-after'], '7');
    assert.equal((await request(gateway)).headers.location, 'https://elsewhere.example/');
    const { headers, body } = await request(gateway);
    assert.deepEqual([headers['content-type'], String(body)], ['a/b', 'abc']);
  });

  test('counts as accepted where the script says so', async (t) => {
    const gateway = await open(t);
    const accepting = [
      faults.reply({ status: 500, accept: true }),
      faults.unavailable({ accept: true }),
      faults.notJson({ accept: true }),
      faults.empty({ accept: true }),
      faults.garbage({ accept: true }),
    ];
    gateway.failNext(accepting);
    for (const [index] of accepting.entries()) {
      await request(gateway);
      assert.equal(gateway.messages.length, index + 1);
    }
    gateway.failNext(faults.empty({ accept: true }));
    await request(gateway, { body: {} });
    assert.equal(gateway.messages.length, accepting.length);
  });

  test('echo repeats everything the client sent', async (t) => {
    const gateway = await open(t);
    gateway.failNext([faults.echo(), faults.echo({ format: 'json' })]);
    for (const type of ['text', 'json']) {
      const { status, body } = await request(gateway);
      assert.equal(status, 400);
      const echoed = type === 'text' ? String(body) : JSON.parse(body).data.request;
      if (type === 'text') {
        assert.match(echoed, /^POST \/v2\/sms\/send HTTP\/1\.1\r\n/);
        assert.ok(echoed.includes(basic()));
        assert.ok(echoed.endsWith(`\r\n\r\n${JSON.stringify(MESSAGE)}`));
      } else {
        assert.equal(echoed.headers.authorization, basic());
        assert.equal(echoed.body, JSON.stringify(MESSAGE));
      }
    }
    assert.equal(gateway.messages.length, 0);
  });
});

describe('a scripted failure of the connection', () => {
  test('silence: the request is read and nothing comes', async (t) => {
    const gateway = await open(t);
    gateway.failNext([faults.silence(), faults.silence({ accept: true })]);
    assert.deepEqual(await converse(gateway, rawSend(), 30), { text: '', error: null });
    assert.equal(gateway.messages.length, 0);
    assert.deepEqual(await converse(gateway, rawSend(), 30), { text: '', error: null });
    assert.equal(gateway.messages.length, 1);
    const [first, second] = gateway.requests;
    assert.equal(first.body, JSON.stringify(MESSAGE));
    assert.deepEqual([first.answered, second.answered, second.accepted], [false, false, true]);
  });

  test('reset before: the connection dies before a request is read', async (t) => {
    const gateway = await open(t);
    gateway.failNext(faults.reset({ when: 'before' }));
    const socket = net.connect(gateway.port, '127.0.0.1');
    const [error] = await once(socket, 'error');
    assert.equal(error.code, 'ECONNRESET');
    assert.equal(gateway.requests.length, 0);
    assert.equal(gateway.connections.opened, 1);
    await eventually(() => gateway.connections.open === 0, 'the connection is gone');
    assert.equal((await ask(gateway)).status, 200);
  });

  test('reset before hits a pooled connection at its next send', async (t) => {
    const gateway = await open(t);
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    t.after(() => agent.destroy());
    await request(gateway, { agent });
    gateway.failNext(faults.reset({ when: 'before' }));
    const { error, status } = await request(gateway, { agent, path: '/v2/balance' });
    assert.deepEqual([error, status], [null, 200]);
    assert.equal((await request(gateway, { agent })).error, 'ECONNRESET');
    assert.equal(gateway.messages.length, 1);
  });

  test('reset during: the head was read, the rest is not waited for', async (t) => {
    const gateway = await open(t);
    gateway.failNext(faults.reset({ when: 'during' }));
    const socket = net.connect(gateway.port, '127.0.0.1');
    socket.write(rawSend().slice(0, -10));
    const [error] = await once(socket, 'error');
    assert.equal(error.code, 'ECONNRESET');
    assert.deepEqual([gateway.requests[0].fault, gateway.messages.length], ['reset', 0]);
  });

  test('reset after: all was read, and perhaps accepted', async (t) => {
    const gateway = await open(t);
    gateway.failNext([faults.reset(), faults.reset({ accept: true })]);
    for (const accepted of [0, 1]) {
      const { error, status } = await request(gateway);
      assert.deepEqual([error, status], ['ECONNRESET', null]);
      assert.equal(gateway.messages.length, accepted);
    }
    assert.equal(await gateway.nextCode(NUMBER), '123456');
    assert.deepEqual(
      gateway.requests.map(({ accepted, answered }) => [accepted, answered]),
      [
        [false, false],
        [true, false],
      ],
    );
  });

  test('halfReply: the head, half of the body, the end', async (t) => {
    const gateway = await open(t);
    gateway.failNext([faults.halfReply(), faults.halfReply({ accept: false })]);
    const reply = await request(gateway);
    assert.deepEqual([reply.error, reply.status], ['ECONNRESET', 200]);
    const whole = Number(reply.headers['content-length']);
    assert.ok(reply.body.length > 0 && reply.body.length < whole);
    assert.deepEqual([gateway.messages.length, gateway.requests[0].answered], [1, false]);
    await request(gateway);
    assert.equal(gateway.messages.length, 1);
  });

  test('slow: accepted at once, answered later, or never when the client leaves', async (t) => {
    const gateway = await open(t);
    gateway.failNext([faults.slow({ delayMs: 40 }), faults.slow({ delayMs: 60_000 })]);
    const started = performance.now();
    const reply = request(gateway);
    await gateway.nextMessage();
    assert.equal(gateway.requests[0].answered, false);
    assert.equal((await reply).status, 200);
    assert.ok(performance.now() - started >= 39);

    await converse(gateway, rawSend(), 20);
    assert.equal(gateway.messages.length, 2);
    assert.equal(gateway.requests[1].answered, false);
  });

  test('drip: a good reply in drops', async (t) => {
    const gateway = await open(t);
    gateway.failNext([faults.drip({ everyMs: 1, bytes: 20 }), faults.drip({ everyMs: 10 })]);
    const { status, body, error } = await request(gateway);
    assert.deepEqual([status, error, JSON.parse(body).success], [200, null, true]);
    assert.equal(gateway.requests[0].answered, true);

    const socket = net.connect(gateway.port, '127.0.0.1');
    socket.write(rawSend());
    const [drop] = await once(socket, 'data');
    assert.equal(String(drop), 'H');
    socket.destroy();
    await eventually(() => gateway.connections.open === 0, 'the dripping ends with the connection');
    assert.deepEqual([gateway.requests[1].answered, gateway.messages.length], [false, 2]);
  });

  test('hugeBody: exactly as long as asked, valid to the end', async (t) => {
    const gateway = await open(t);
    gateway.failNext([
      faults.hugeBody({ bytes: 300_000 }),
      faults.hugeBody({ bytes: 100_000, status: 500 }),
      faults.hugeBody({ bytes: 100_000, accept: false }),
    ]);
    const huge = await request(gateway);
    assert.equal(huge.body.length, 300_000);
    assert.equal(JSON.parse(huge.body).data.status, 0);
    const refusal = await request(gateway);
    assert.equal(refusal.status, 500);
    assert.equal(refusal.body.length, 100_000);
    assert.equal(JSON.parse(refusal.body).success, false);
    await request(gateway);
    assert.deepEqual(
      gateway.requests.map(({ accepted }) => accepted),
      [true, true, false],
    );
  });

  test('hugeBody waits for a client that does not read, and ends when it leaves', async (t) => {
    const gateway = await open(t);
    gateway.failNext(faults.hugeBody({ bytes: 1 << 30 }));
    const before = process.memoryUsage().rss;
    const socket = net.connect(gateway.port, '127.0.0.1');
    socket.pause();
    socket.write(rawSend());
    await gateway.nextMessage();
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert.ok(process.memoryUsage().rss - before < 200 << 20);
    socket.destroy();
    await eventually(() => gateway.connections.open === 0, 'the connection is gone');
    assert.equal(gateway.requests[0].answered, false);
  });

  test('wrongLength: too much promised, or too little', async (t) => {
    const gateway = await open(t);
    gateway.failNext([faults.wrongLength(), faults.wrongLength({ by: -10 })]);
    for (const by of [16, -10]) {
      const { text } = await converse(gateway, rawSend());
      const [head, body] = text.split('\r\n\r\n');
      assert.equal(Number(/content-length: (\d+)/i.exec(head)[1]), body.length + by);
      assert.equal(JSON.parse(body).success, true);
    }
    assert.deepEqual(
      gateway.requests.map(({ accepted, answered }) => [accepted, answered]),
      [
        [true, false],
        [true, false],
      ],
    );
  });

  test('garbage: not HTTP', async (t) => {
    const gateway = await open(t);
    gateway.failNext([faults.garbage(), faults.garbage({ text: 'SSH-2.0-x\r\n' })]);
    assert.match((await converse(gateway, rawSend())).text, /^\x16\x03\x01/);
    assert.equal((await converse(gateway, rawSend())).text, 'SSH-2.0-x\r\n');
    assert.equal(gateway.messages.length, 0);
  });

  test('gzip: compressed without being asked', async (t) => {
    const gateway = await open(t);
    gateway.failNext(faults.gzip());
    const { headers, body } = await request(gateway);
    assert.equal(headers['content-encoding'], 'gzip');
    assert.equal(JSON.parse(gunzipSync(body)).success, true);
    assert.equal(gateway.requests[0].accepted, true);
  });

  test('informational: statuses that are not the answer', async (t) => {
    const gateway = await open(t);
    gateway.failNext([faults.informational(), faults.informational({ codes: [102, 199] })]);
    const first = await request(gateway);
    assert.deepEqual([first.informational, first.status], [[100, 103], 200]);
    const second = await request(gateway);
    assert.deepEqual([second.informational, second.status], [[102, 199], 200]);
    assert.equal(gateway.messages.length, 2);
  });

  test('pipelinedJunk: more than the reply', async (t) => {
    const gateway = await open(t);
    gateway.failNext(faults.pipelinedJunk({ junk: 'HTTP/1.1 200 OK\r\n\r\n' }));
    const { text } = await converse(gateway, rawSend());
    const length = Number(/content-length: (\d+)/i.exec(text)[1]);
    const body = text.slice(text.indexOf('\r\n\r\n') + 4);
    assert.equal(JSON.parse(body.slice(0, length)).success, true);
    assert.equal(body.slice(length), 'HTTP/1.1 200 OK\r\n\r\n');
    assert.deepEqual([gateway.requests[0].accepted, gateway.requests[0].answered], [true, true]);
  });

  test('closeIdle: keep-alive that is not kept', async (t) => {
    const gateway = await open(t);
    gateway.failNext(faults.closeIdle({ afterMs: 10 }));
    const { text, error } = await converse(gateway, rawSend(), 5000);
    assert.match(text, /connection: keep-alive/i);
    assert.equal(error, null);
    await eventually(() => gateway.connections.open === 0, 'the connection is gone');
  });
});

describe('scripts', () => {
  test('failNext queues one fault a send, and spares other requests', async (t) => {
    const gateway = await open(t);
    gateway.failNext(['noMoney', null]);
    gateway.failNext({ kind: 'reply', status: 418 });
    assert.deepEqual(
      gateway.pendingFaults.map((fault) => fault?.kind),
      ['noMoney', undefined, 'reply'],
    );
    assert.equal((await ask(gateway, { path: '/v2/balance' })).status, 200);
    const statuses = [];
    for (const path of ['send', 'testsend', 'send', 'send']) {
      statuses.push((await request(gateway, { path: `/v2/sms/${path}` })).status);
    }
    assert.deepEqual(statuses, [402, 200, 418, 200]);
    assert.deepEqual(gateway.pendingFaults, []);
  });

  test('respondWith stays, and failNext goes before it', async (t) => {
    const gateway = await open(t);
    gateway.respondWith(faults.unavailable());
    gateway.failNext(faults.noMoney());
    const statuses = [];
    for (let turn = 0; turn < 3; turn += 1) statuses.push((await request(gateway)).status);
    gateway.respondWith(null);
    statuses.push((await request(gateway)).status);
    assert.deepEqual(statuses, [402, 503, 503, 200]);

    gateway.respondWith(faults.reset({ when: 'before' }));
    assert.equal((await request(gateway)).error, 'ECONNRESET');
    assert.equal((await request(gateway)).error, 'ECONNRESET');
    assert.equal(gateway.requests.length, 4);
  });

  test('respondWith asks a function, which may take its time', async (t) => {
    const gateway = await open(t);
    const seen = [];
    gateway.respondWith(async (sent) => {
      seen.push(sent);
      await null;
      return sent.number.startsWith('375') ? faults.noMoney() : undefined;
    });
    assert.equal((await request(gateway)).status, 200);
    const body = { ...MESSAGE, number: '375291234567' };
    assert.equal((await request(gateway, { body })).status, 402);
    const { headers, ...rest } = seen[1];
    assert.equal(headers.authorization, basic());
    assert.deepEqual(rest, {
      method: 'POST',
      path: '/v2/sms/send',
      body: JSON.stringify(body),
      ...body,
    });
  });

  test('a function that fails, or returns nonsense, is reported as such', async (t) => {
    const gateway = await open(t);
    const scripts = [
      () => {
        throw new Error('a bug in the test');
      },
      () => ({ kind: 'nonsense' }),
      async () => Promise.reject(new Error('a bug in the test')),
    ];
    for (const script of scripts) {
      gateway.respondWith(script);
      const { status, message } = await ask(gateway);
      assert.equal(status, 500);
      assert.match(message, /a bug in the test|Unknown fault "nonsense"/);
    }
    assert.equal(gateway.messages.length, 0);
  });

  test('faults are plain data: they survive JSON, and their names suffice', async (t) => {
    const gateway = await open(t);
    for (const [kind, construct] of Object.entries(faults)) {
      const fault = construct();
      assert.equal(fault.kind, kind);
      gateway.failNext([JSON.parse(JSON.stringify(fault)), kind, { kind }]);
      const [fromJson, fromName, bare] = gateway.pendingFaults;
      assert.deepEqual([fromJson, fromName, bare], [fault, fault, fault]);
      gateway.reset();
    }
  });

  test('faults with mistakes are refused when they are made', async (t) => {
    const gateway = await open(t);
    const mistakes = [
      () => faults.slow({ delay: 5 }),
      () => faults.slow({ delayMs: -1 }),
      () => faults.slow({ delayMs: '5' }),
      () => faults.reply({ status: 100 }),
      () => faults.reply({ status: 99.5 }),
      () => faults.reply({ body: 5 }),
      () => faults.reply({ headers: 'x' }),
      () => faults.wrongLength({ by: 0 }),
      () => faults.drip({ bytes: 0 }),
      () => faults.informational({ codes: [101] }),
      () => faults.reset({ when: 'sometimes' }),
      () => faults.reset({ when: 'during', accept: true }),
      () => faults.echo({ format: 'xml' }),
      () => gateway.failNext(faults.noMoney),
      () => gateway.failNext('nonsense'),
      () => gateway.failNext('toString'),
      () => gateway.failNext(undefined),
      () => gateway.failNext({ kind: 'noMoney', accept: true }),
      () => gateway.respondWith(5),
      () => gateway.onConnection('refuse'),
    ];
    for (const mistake of mistakes) assert.throws(mistake, TypeError, String(mistake));
    assert.deepEqual(gateway.pendingFaults, []);
  });

  test('onConnection resets or holds what is new, and leaves the rest alone', async (t) => {
    const gateway = await open(t);
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    t.after(() => agent.destroy());
    await request(gateway, { agent });

    gateway.onConnection('reset');
    assert.equal((await request(gateway)).error, 'ECONNRESET');
    assert.equal((await request(gateway, { agent })).status, 200);

    gateway.onConnection('hold');
    assert.deepEqual(await converse(gateway, rawSend(), 30), { text: '', error: null });
    await eventually(() => gateway.connections.open === 1, 'the held connection is closed');

    gateway.onConnection('accept');
    assert.equal((await request(gateway)).status, 200);
    assert.equal(gateway.messages.length, 3);
    assert.equal(gateway.connections.opened, 4);
  });

  test('reset brings back the start', async (t) => {
    const gateway = await open(t, { account: { balance: 50, cost: 1 } });
    await request(gateway);
    gateway.account.email = 'other@example.com';
    gateway.failNext(faults.noMoney());
    gateway.respondWith(faults.noMoney());
    gateway.onConnection('reset');
    gateway.reset();
    assert.deepEqual([gateway.messages.length, gateway.requests.length], [0, 0]);
    assert.equal(gateway.account.balance, 50);
    assert.equal((await request(gateway)).status, 200);
  });
});

describe('TLS', () => {
  const secure = certificate();

  for (const version of ['TLSv1.2', 'TLSv1.3']) {
    test(`speaks ${version}, and HTTP/1.1 to those who would rather have HTTP/2`, async (t) => {
      const gateway = await open(t, { tls: secure });
      assert.match(gateway.url, /^https:\/\/127\.0\.0\.1:\d+$/);
      const socket = tls.connect({
        port: gateway.port,
        host: '127.0.0.1',
        ca: secure.ca,
        minVersion: version,
        maxVersion: version,
        ALPNProtocols: ['h2', 'http/1.1'],
      });
      await once(socket, 'secureConnect');
      assert.equal(socket.authorized, true);
      assert.deepEqual([socket.getProtocol(), socket.alpnProtocol], [version, 'http/1.1']);
      socket.write(rawSend());
      assert.match(String((await once(socket, 'data'))[0]), /^HTTP\/1\.1 200 OK/);
      socket.destroy();
    });
  }

  test('keeps connections, and fails on them as on plain ones', async (t) => {
    const gateway = await open(t, { tls: secure });
    const agent = new https.Agent({ keepAlive: true, maxSockets: 1, ca: secure.ca });
    t.after(() => agent.destroy());
    assert.equal((await request(gateway, { agent })).status, 200);
    assert.equal((await request(gateway, { agent })).status, 200);
    assert.equal(gateway.connections.opened, 1);

    const cases = [
      [faults.reset(), 'ECONNRESET', null],
      [faults.reset({ when: 'during' }), 'ECONNRESET', null],
      [faults.reset({ when: 'before' }), 'ECONNRESET', null],
      [faults.halfReply({ accept: false }), 'ECONNRESET', 200],
      [faults.noMoney(), null, 402],
    ];
    for (const [fault, error, status] of cases) {
      gateway.failNext(fault);
      const reply = await request(gateway, { ca: secure.ca });
      assert.deepEqual([reply.error, reply.status], [error, status], fault.kind);
    }
    assert.equal(gateway.messages.length, 2);
  });

  test('a handshake can be left hanging', async (t) => {
    const gateway = await open(t, { tls: secure });
    gateway.onConnection('hold');
    const socket = tls.connect({ port: gateway.port, host: '127.0.0.1', ca: secure.ca });
    socket.on('error', () => {});
    const secured = once(socket, 'secureConnect').then(
      () => 'secured',
      () => 'failed',
    );
    const quiet = new Promise((resolve) => setTimeout(resolve, 50, 'quiet'));
    assert.equal(await Promise.race([secured, quiet]), 'quiet');
    assert.equal(gateway.connections.open, 1);
    await gateway.stop();
    assert.equal(await secured, 'failed');
  });

  test('a client that refuses the certificate leaves no trace', async (t) => {
    const past = new Date(Date.now() - 60_000);
    const cases = [
      [secure, undefined, 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'],
      [certificate({ names: ['gate.example'] }), 'own', 'ERR_TLS_CERT_ALTNAME_INVALID'],
      [certificate({ notBefore: new Date(0), notAfter: past }), 'own', 'CERT_HAS_EXPIRED'],
      [certificate({ names: ['2001:db8::1', '::1', '127.0.0.1'] }), 'own', null],
      [certificate({ notAfter: new Date('2060-01-01') }), 'own', null],
    ];
    for (const [pair, trust, error] of cases) {
      const gateway = await open(t, { tls: pair });
      const reply = await request(gateway, { ca: trust && pair.ca });
      assert.equal(reply.error, error);
      assert.equal(gateway.requests.length, error ? 0 : 1);
    }
  });

  test('plain HTTP on a TLS port is dropped', async (t) => {
    const gateway = await open(t, { tls: secure });
    await converse(gateway, rawSend());
    await eventually(() => gateway.connections.open === 0, 'the connection is gone');
    assert.equal(gateway.requests.length, 0);
    assert.equal((await request(gateway, { ca: secure.ca })).status, 200);
  });
});

describe('the life of a gateway', () => {
  test('listens on loopback only', async (t) => {
    for (const host of ['0.0.0.0', '::', '192.168.0.1', 'example.com', '127.0.0.1.example.com']) {
      await assert.rejects(async () => startGateway({ host }), /loopback/);
    }
    const gateway = await open(t, { host: '127.0.0.2' });
    assert.equal(gateway.url, `http://127.0.0.2:${gateway.port}`);
    assert.equal((await ask(gateway)).status, 200);
  });

  test('refuses options it does not know', async () => {
    await assert.rejects(startGateway({ prot: 1 }), /no option prot/);
    await assert.rejects(startGateway({ account: { mail: 'x' } }), /no option mail/);
    await assert.rejects(startGateway({ keep: 0 }), TypeError);
    await assert.rejects(startGateway({ fallback: 'x' }), TypeError);
  });

  test('tells a port that is taken', async (t) => {
    const { port } = await open(t);
    await assert.rejects(startGateway({ port }), { code: 'EADDRINUSE' });
  });

  test('stops whatever is going on, once or twice, and frees its port', async (t) => {
    const gateway = await startGateway();
    gateway.respondWith(faults.silence());
    const pending = [request(gateway), request(gateway)];
    await eventually(() => gateway.requests.length === 2, 'both requests arrive');
    await Promise.all([gateway.stop(), gateway.stop()]);
    await gateway.stop();
    assert.equal(gateway.connections.open, 0);
    for (const { error } of await Promise.all(pending)) assert.equal(error, 'ECONNRESET');
    assert.equal((await request(gateway)).error, 'ECONNREFUSED');
    await open(t, { port: gateway.port });
  });

  test('is disposed of by its scope', async () => {
    const gateway = await startGateway();
    await gateway[Symbol.asyncDispose]();
    assert.equal((await request(gateway)).error, 'ECONNREFUSED');
  });

  test('gateways do not know of each other', async (t) => {
    const [one, other] = [await open(t), await open(t)];
    one.account.balance = 0;
    other.failNext(faults.unavailable());
    assert.equal((await request(one)).status, 402);
    assert.equal((await request(other)).status, 503);
    assert.equal((await request(other)).status, 200);
    assert.equal(account.balance, 1000);
  });

  test('counts exactly under many requests at once', async (t) => {
    const gateway = await open(t, { account: { balance: 1e6 } });
    const agent = new http.Agent({ keepAlive: true, maxSockets: 8 });
    t.after(() => agent.destroy());
    const kinds = ['noMoney', 'silence', 'reset', 'halfReply', 'garbage', 'closeIdle', 'gzip'];
    gateway.respondWith(({ text }) => {
      const kind = kinds[Number(text.slice(5)) % (2 * kinds.length)];
      if (kind === undefined) return null;
      return kind === 'silence' ? faults.reset({ accept: true }) : kind;
    });
    const sends = Array.from({ length: 500 }, (_, index) =>
      request(gateway, { agent, body: { ...MESSAGE, text: `Code ${1000 + index}` } }),
    );
    await Promise.all(sends);
    const bodies = gateway.requests.filter(({ accepted }) => accepted).map(({ body }) => body);
    assert.equal(gateway.messages.length, bodies.length);
    assert.equal(new Set(gateway.messages.map(({ id }) => id)).size, bodies.length);
    assert.equal(new Set(gateway.messages.map(({ text }) => text)).size, bodies.length);
  });

  test('a process ends by itself after stop, and nothing was printed', async () => {
    const { code, output } = await start(fixture('gateway-stops'), { timeoutMs: 20_000 }).ended;
    assert.deepEqual([code, output], [0, '']);
  });
});

test('the types name what there is', async () => {
  const types = await readFile(new URL(inPackage('testing/index.d.ts')), 'utf8');
  const declared = [...types.matchAll(/^export (?:function|const) (\w+)/gm)].map(
    ([, name]) => name,
  );
  assert.deepEqual(declared.sort(), Object.keys(kit).sort());
  const constructors = types.slice(types.indexOf('export const faults'));
  const kinds = [...constructors.matchAll(/^ {2}(\w+)\(.*\): Fault;/gm)].map(([, name]) => name);
  assert.deepEqual(kinds.sort(), Object.keys(faults).sort());
});

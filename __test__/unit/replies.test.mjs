import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import net from 'node:net';
import { after, before, beforeEach, describe, test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { brotliCompressSync, gzipSync } from 'node:zlib';

import createOfficial from '@logto/connector-smsaero';
import fc from 'fast-check';
import nock from 'nock';

import { caught } from '../support/caught.mjs';
import { assertSameClass, isConnectorError } from '../support/classes.mjs';
import { validConfig } from '../support/configs.mjs';
import createConnector, { getBalance, isCheckout, sendMessage } from '../support/package.mjs';
import { check } from '../support/property.mjs';
import { accepted, message, openGateway, resetGateway, sentTo } from '../support/setup.mjs';
import { faults } from '../support/testing.mjs';

const BODY_LIMIT_BYTES = 64 * 1024;
const NEUTRAL = 'The text message could not be sent. Please try again later.';

let gateway;
let options;
let silent;

before(async () => {
  gateway = await openGateway();
  options = { gateways: [gateway.url] };
  // The one test that has to wait does so while the others run.
  const mute = await openGateway();
  mute.respondWith('silence');
  const error = caught(sendMessage(message(), validConfig(), { gateways: [mute.url] }));
  silent = { mute, error };
});

after(() => Promise.all([gateway.stop(), silent.mute.stop()]));

beforeEach(() => {
  resetGateway(gateway);
});

const send = () => sendMessage(message(), validConfig(), options);

async function refused(reply) {
  gateway.failNext(typeof reply === 'string' || reply.kind ? reply : faults.reply(reply));
  const error = await caught(send());
  assert.ok(isConnectorError(error));
  assert.equal(sentTo(gateway), 1, 'nothing is sent twice');
  gateway.clear();
  return error;
}

/** What an error says: code, data and nothing else. */
function assertError(error, code, data) {
  const { message: answer, errorDescription, ...rest } = error.data;
  assert.equal(error.code, code);
  assert.deepEqual(rest, data);
  for (const sentence of [answer, errorDescription]) assert.equal(typeof sentence, 'string');
  assert.ok(errorDescription.length > 0);
  assert.deepEqual(Object.keys(error).sort(), ['code', 'data']);
}

const JSON_400 = { success: false, data: { sign: ['required'] }, message: 'Validation error.' };

const REASONS = {
  400: 'validation',
  401: 'unauthorized',
  402: 'no_money',
  403: 'unauthorized',
  404: 'ip_not_allowed',
  408: 'unavailable',
  422: 'validation',
  500: 'unavailable',
  502: 'unavailable',
  503: 'unavailable',
  504: 'unavailable',
  599: 'unavailable',
};

describe("SMS Aero's replies", () => {
  test('a non-2xx reply is general with the body as message, the reason and the status', async () => {
    for (const [status, reason] of Object.entries(REASONS)) {
      for (const body of [JSON.stringify(JSON_400), '<html>no</html>', '', ' \n', '\0', 'null', '[]']) {
        const error = await refused({ status: Number(status), body });
        assertError(error, 'general', { reason, status: Number(status) });
        assert.equal(error.data.message, body);
      }
    }
  });

  test('an undocumented status is a refusal or somebody else, by what the body says', async () => {
    for (const status of [405, 409, 410, 418, 451]) {
      assertError(await refused({ status, body: JSON_400 }), 'general', {
        reason: 'rejected',
        status,
      });
      assertError(await refused({ status, body: '<html>' }), 'general', {
        reason: 'bad_response',
        status,
      });
    }
  });

  test('429 is rate_limit_exceeded, which Logto answers with "try again later"', async () => {
    for (const body of [{ success: false }, '<html>', '']) {
      const error = await refused({ status: 429, body });
      assertError(error, 'rate_limit_exceeded', { reason: 'rate_limited', status: 429 });
    }
    assert.equal((await refused(faults.rateLimited({ retryAfter: 1 }))).code, 'rate_limit_exceeded');
  });

  test('2xx with success: false is general with the words of the provider', async () => {
    for (const [body, reason, words] of [
      [
        { success: false, data: null, message: 'The number is on a stop list' },
        'rejected',
        'The number is on a stop list',
      ],
      [{ success: false, data: null, message: 'Not enough money' }, 'no_money', 'Not enough money'],
      [
        { success: false, data: { number: ['incorrect'] }, message: 'Validation error.' },
        'validation',
        'Validation error.',
      ],
      [{ success: false, data: null, message: 'Your request was made with invalid credentials.' }, 'unauthorized'],
      [{ success: false, data: null, message: 'Invalid ip-address' }, 'ip_not_allowed'],
      [{ success: false, data: null, message: null }, 'rejected'],
      [{ success: false }, 'rejected'],
      [{ success: false, message: ['not', 'a string'] }, 'rejected'],
      [{ success: false, message: { nor: 'here' } }, 'rejected'],
      [{ success: false, data: { id: 17, status: 0 } }, 'rejected'],
      [{ result: 'reject', reason: 'empty field' }, 'rejected'],
      [{ result: 'no credits' }, 'no_money'],
    ]) {
      const error = await refused({ body });
      assertError(error, 'general', { reason, status: 200 });
      if (words !== undefined) assert.equal(error.data.message, words);
    }
  });

  test('a message that is rejected or undelivered at once was not sent', async () => {
    for (const status of [6, 2, '6']) {
      assertError(await refused({ body: accepted({ status }) }), 'general', {
        reason: 'rejected',
        status: 200,
      });
      const listed = { success: true, data: [{ id: 17, status }], message: null };
      assertError(await refused({ body: listed }), 'general', { reason: 'rejected', status: 200 });
      assertError(await refused({ body: { id: 17, status } }), 'general', {
        reason: 'rejected',
        status: 200,
      });
    }
  });

  test('2xx that is no reply to a message is invalid_response', async () => {
    const message = null;
    for (const body of [
      '<!doctype html><title>Hotel</title>',
      '',
      ' ',
      'OK',
      'null',
      'true',
      '17',
      '"17"',
      '[]',
      '{}',
      '{"success":true',
      { success: true },
      { success: true, data: null, message: 'Successful authorization.' },
      { success: true, data: { balance: 5 }, message },
      { success: true, data: {}, message },
      { success: true, data: [], message },
      { success: true, data: [{ id: 1 }, { id: 2 }], message },
      { success: true, data: [[{ id: 1 }]], message },
      { success: true, data: { id: null }, message },
      { success: true, data: { id: 'x' }, message },
      { success: true, data: { id: true }, message },
      { success: 'true', data: { id: 17 }, message },
      { success: 1, data: { id: 17 }, message },
      { success: null, data: { id: 17 }, message },
      { data: { id: 17 } },
      { id: '17' },
      [{ id: 17 }],
    ]) {
      for (const status of [200, 201, 202]) {
        const error = await refused({ status, body });
        assertError(error, 'invalid_response', { reason: 'bad_response', status });
      }
    }
    assertError(await refused({ status: 204, body: '' }), 'invalid_response', {
      reason: 'bad_response',
      status: 204,
    });
  });

  test('every state of a message on its way counts as sent', async () => {
    for (const status of [0, 1, 3, 4, 8, '0', null, undefined]) {
      gateway.failNext(faults.reply({ body: accepted({ status }) }));
      assert.equal((await send()).id, 17);
    }
  });

  test('the older forms of an acceptance count as sent', async () => {
    for (const body of [
      { id: 17 },
      { id: 17, status: 1 },
      { id: 17, result: 'accepted' },
      { success: true, data: [{ id: 17, status: 0 }], message: null },
      { success: true, data: { id: '17' } },
      `\ufeff${JSON.stringify(accepted())}`,
    ]) {
      gateway.failNext(faults.reply({ body }));
      assert.equal((await send()).id, 17, JSON.stringify(body));
    }
  });

  const RECEIPT = ['id', 'from', 'status', 'extendStatus', 'channel', 'cost', 'dateCreate', 'dateSend', 'gateway'];

  test('a receipt is a small plain object, without the text', async () => {
    const receipt = await send();
    assert.deepEqual(Object.keys(receipt), RECEIPT);
    assert.equal(Object.getPrototypeOf(receipt), Object.prototype);
    const [{ id, sign, at }] = gateway.messages;
    const seconds = Math.floor(at / 1000);
    assert.deepEqual(receipt, {
      id,
      from: sign,
      status: 0,
      extendStatus: 'queue',
      channel: 'FREE SIGN',
      cost: 5.49,
      dateCreate: seconds,
      dateSend: seconds,
      gateway: gateway.url,
    });
    assert.ok(!JSON.stringify(receipt).includes(gateway.messages[0].text));
  });

  test('a receipt has all its keys whatever the provider leaves out, and cost is a number', async () => {
    const nothing = {
      from: null,
      status: null,
      extendStatus: null,
      channel: null,
      cost: null,
      dateCreate: null,
      dateSend: null,
    };
    for (const [data, expected] of [
      [{ cost: '1.95' }, { cost: 1.95 }],
      [{ cost: 3 }, { cost: 3 }],
      [{ cost: 'free' }, {}],
      [{ cost: '' }, {}],
      [{ cost: [1] }, {}],
      [{ from: 5, channel: {}, extendStatus: null, dateCreate: 'soon' }, {}],
      [
        { dateCreate: '1700000000', dateSend: 1700000001 },
        { dateCreate: 1700000000, dateSend: 1700000001 },
      ],
      [{ text: 'echo', number: '79001234567', extra: 1 }, {}],
    ]) {
      gateway.failNext(faults.reply({ body: { success: true, data: { id: 17, ...data } } }));
      const receipt = await send();
      assert.deepEqual(Object.keys(receipt), RECEIPT);
      assert.deepEqual(receipt, { id: 17, ...nothing, ...expected, gateway: gateway.url });
    }
  });

  test('redirects are not followed, and the error names the status', async (t) => {
    const elsewhere = await openGateway();
    t.after(() => elsewhere.stop());
    for (const status of [300, 301, 302, 303, 304, 307, 308]) {
      const error = await refused(faults.redirect({ status, location: `${elsewhere.url}/v2/sms/send` }));
      assert.equal(error.code, 'general');
      assert.equal(error.data.status, status);
      assert.equal(error.data.reason, 'bad_response');
      assert.ok(`${error.data.message} ${error.data.errorDescription}`.includes(`${status}`));
    }
    assert.equal(elsewhere.connections.opened, 0);
  });

  test('at most 64 KiB of a body are read and reported', async () => {
    const exact = 'x'.repeat(BODY_LIMIT_BYTES);
    assert.equal((await refused({ status: 500, body: exact })).data.message, exact);
    assert.equal((await refused({ status: 500, body: `${exact}y` })).data.message, exact);
    assert.equal((await refused({ status: 500, body: 'x'.repeat(1 << 20) })).data.message, exact);
    const { message: answer } = (await refused({ status: 500, body: `x${'ж'.repeat(1 << 16)}` })).data;
    assert.equal(Buffer.byteLength(answer), BODY_LIMIT_BYTES - 1);
    assert.ok(!answer.includes('\ufffd'), 'no half of a character');
    const error = await refused(faults.hugeBody());
    assertError(error, 'invalid_response', { reason: 'bad_response', status: 200 });
  });

  test('a network failure is general with a stable reason, and nothing is sent again', async () => {
    for (const fault of [faults.reset(), faults.reset({ when: 'during' }), faults.halfReply(), faults.garbage()]) {
      assertError(await refused(fault), 'general', { reason: 'unknown_outcome' });
    }
  });

  test('a refusal stands by its status even when its body breaks off', async () => {
    const error = await refused({
      status: 402,
      body: 'Not enough',
      headers: { 'content-length': '1000', connection: 'close' },
    });
    assert.equal(error.code, 'general');
    assert.equal(error.data.reason, 'no_money');
    assert.equal(error.data.status, 402);
  });

  /** Starts a server that replies with these bytes, and returns its base URL. */
  async function serving(t, status, encoding, body) {
    const server = createServer((request, response) => {
      request.resume().on('end', () => {
        response.writeHead(status, { 'content-encoding': encoding }).end(body);
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.after(() => {
      server.closeAllConnections();
      server.close();
    });
    return `http://127.0.0.1:${server.address().port}`;
  }

  test('a refusal that comes compressed is reported by its status, without raw bytes', async (t) => {
    const words = JSON.stringify({ success: false, message: 'Not enough money' });
    for (const [encoding, body] of [
      ['gzip', gzipSync(words)],
      ['br', brotliCompressSync(words)],
      ['gzip, br', gzipSync(words)],
      ['gzip', Buffer.from(words)],
    ]) {
      const gateways = await serving(t, 402, encoding, body);
      for (const call of [
        () => sendMessage(message(), validConfig(), { gateways }),
        () => getBalance(validConfig(), { gateways }),
      ]) {
        const error = await caught(call());
        assertError(error, 'general', { reason: 'no_money', status: 402 });
        assert.match(error.data.message, /^[ -~]+HTTP 402[ -~]+$/, encoding);
      }
    }
  });

  test('a success that comes compressed is invalid_response; `identity` is not compressed', async (t) => {
    for (const [encoding, body] of [
      ['gzip', gzipSync(JSON.stringify(accepted()))],
      ['br', JSON.stringify(accepted())],
    ]) {
      const gateways = await serving(t, 200, encoding, body);
      const error = await caught(sendMessage(message(), validConfig(), { gateways, timeoutMs: 1000 }));
      assertError(error, 'invalid_response', { reason: 'bad_response', status: 200 });
    }
    const gateways = await serving(t, 200, 'Identity', JSON.stringify(accepted()));
    assert.equal((await sendMessage(message(), validConfig(), { gateways })).id, 17);
  });

  test('an acceptance of another number is none', async () => {
    for (const number of ['70000000000', 70_000_000_000, '7900123456']) {
      const error = await refused({ body: accepted({ number }) });
      assertError(error, 'invalid_response', { reason: 'bad_response', status: 200 });
    }
    for (const number of ['79001234567', 79_001_234_567, '89001234567', '+7 900 123-45-67', null]) {
      gateway.failNext(faults.reply({ body: accepted({ number }) }));
      assert.equal((await send()).id, 17);
    }
  });

  test('an id beyond 2^53 is an exact string', async () => {
    for (const id of ['9007199254740993', '18446744073709551615']) {
      for (const written of [id, `"${id}"`]) {
        gateway.failNext(faults.reply({ body: `{"success":true,"data":{"id":${written},"status":0}}` }));
        assert.equal((await send()).id, id);
      }
    }
    gateway.failNext(faults.reply({ body: accepted({ id: String(Number.MAX_SAFE_INTEGER) }) }));
    assert.equal((await send()).id, Number.MAX_SAFE_INTEGER);
  });

  test('an echo that ends in half a character changes nothing: the message was sent', async () => {
    for (const text of ['\\ud800', 'code 482913 \\uD83D', '\\ude00']) {
      gateway.failNext(
        faults.reply({
          status: 200,
          body: `{"success":true,"data":{"id":17,"status":8,"text":"${text}"},"message":null}`,
        }),
      );
      assert.equal((await send()).id, 17, text);
    }
  });

  test('pages of escapes are searched in time: every message reports what the status says', async (t) => {
    let page;
    // Not the embedded gateway, which would spend more on 2,000 of these pages than the connector.
    const outage = net.createServer((socket) => {
      socket.on('error', () => {});
      socket.on('data', (chunk) => chunk.at(-1) === '}'.charCodeAt(0) && socket.write(page));
    });
    const sockets = new Set();
    outage.on('connection', (socket) => sockets.add(socket));
    t.after(() => {
      for (const socket of sockets) socket.destroy();
      outage.close();
    });
    outage.listen({ host: '127.0.0.1', port: 0 });
    await once(outage, 'listening');
    const gateways = `http://127.0.0.1:${outage.address().port}`;
    // Elsewhere it is the platform that is in question, on machines that do other things as well.
    const count = isCheckout ? 2000 : 500;
    for (const part of ['&#1050;', '\\u041a', '%D0%9A', '&amp;', '<p>Bad gateway</p>\n']) {
      const body = part.repeat(65_536 / part.length);
      const head = `HTTP/1.1 502 Bad Gateway\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n`;
      page = Buffer.from(head + body);
      // The whole burst once.
      const messages = part === '&#1050;' ? count : count / 20;
      const errors = await Promise.all(
        Array.from({ length: messages }, () => caught(sendMessage(message(), validConfig(), { gateways }))),
      );
      const reasons = new Set(errors.map(({ data }) => data.reason));
      assert.deepEqual([...reasons], ['unavailable'], part);
    }
  });

  test('a gateway that nobody listens at is unreachable', async () => {
    const closed = await openGateway();
    await closed.stop();
    const error = await caught(sendMessage(message(), validConfig(), { gateways: [closed.url] }));
    assertError(error, 'general', { reason: 'unreachable' });
  });

  test('odd but lawful replies are understood', async () => {
    for (const fault of [
      faults.informational(),
      faults.drip({ everyMs: 1, bytes: 40 }),
      faults.slow({ delayMs: 20 }),
      faults.pipelinedJunk(),
      faults.closeIdle({ afterMs: 0 }),
    ]) {
      gateway.failNext(fault);
      assert.equal((await send()).gateway, gateway.url, fault.kind);
    }
  });

  test('whatever is refused, the official error has the same code and message', async (t) => {
    const connector = await createOfficial({ getConfig: async () => validConfig() });
    const ours = await createConnector({
      getConfig: async () => validConfig(),
      gateways: gateway.url,
    });
    t.after(() => {
      nock.cleanAll();
      nock.restore();
    });
    const statuses = fc.integer({ min: 400, max: 599 }).filter((status) => status !== 429);
    const bodies = fc.oneof(fc.string({ unit: 'binary' }), fc.json(), fc.constant(JSON.stringify(JSON_400)));
    const property = fc.asyncProperty(statuses, bodies, async (status, raw) => {
      const body = raw.toWellFormed();
      nock('https://gate.smsaero.ru').post('/v2/sms/send').reply(status, body);
      gateway.failNext(faults.reply({ status, body }));
      const theirs = await caught(connector.sendMessage(message()));
      const own = await caught(ours.sendMessage(message()));
      assert.equal(own.code, theirs.code);
      assert.equal(own.data.message, theirs.data.message);
      assertSameClass(own, theirs);
    });
    await check(t, property, 200);
  });

  test('the administrator reads what failed, which field, and what to do', async () => {
    for (const [reply, words] of [
      [faults.unauthorized(), [/email/, /apiKey/]],
      [faults.noMoney(), [/balance|money/i]],
      [faults.ipNotAllowed(), [/IP address/i, /allow-list/]],
      [faults.validation({ sign: ['required'] }), [/senderName/, /required/]],
      [faults.validation({ number: ['incorrect'] }), [/phone number/, /incorrect/]],
      [faults.validation({ text: ['incorrect'] }), [/template/]],
      [faults.rateLimited(), [/again/]],
      [faults.unavailable(), [/again/]],
      [faults.rejected(), [/senderName/]],
      [faults.refused200({ message: 'The moon is full' }), [/The moon is full/]],
      [faults.notJson(), [/200/, /SMSAERO_GATEWAYS/]],
      [faults.redirect(), [/redirect/, /307/]],
      [faults.reset(), [/may or may not/]],
    ]) {
      const { data } = await refused(reply);
      for (const word of words) assert.match(data.errorDescription, word, reply.kind);
      assert.notEqual(data.errorDescription, NEUTRAL);
    }
  });

  test('an end user reads one neutral sentence, whatever happened', async () => {
    const ours = await createConnector({ getConfig: async () => validConfig(), ...options });
    const sentences = new Set();
    for (const fault of [
      'unauthorized',
      'noMoney',
      'ipNotAllowed',
      'validation',
      'rateLimited',
      'unavailable',
      'rejected',
      'refused200',
      'notJson',
      'empty',
      'redirect',
      'reset',
    ]) {
      gateway.failNext(fault);
      const { data } = await caught(ours.sendMessage(message()));
      sentences.add(data.errorDescription);
    }
    sentences.add((await caught(ours.sendMessage(message({ to: undefined })))).data.errorDescription);
    assert.deepEqual([...sentences], [NEUTRAL]);
    gateway.failNext('unauthorized');
    const { data } = await caught(ours.sendMessage(message(), validConfig()));
    assert.match(data.errorDescription, /apiKey/, 'inputConfig comes from the administrator alone');
  });

  test('an end user reads it in the language that the payload asks for, whatever else is wrong', async () => {
    const ours = await createConnector({ getConfig: async () => validConfig(), ...options });
    const read = async (payload) => {
      gateway.failNext('unauthorized');
      const error = await caught(ours.sendMessage({ ...message(), payload: { code: '123456', ...payload } }));
      return error.data.errorDescription;
    };
    const russian = 'Не удалось отправить СМС. Повторите попытку позже.';
    assert.equal(await read({ locale: 'ru-RU' }), russian);
    assert.equal(await read({ uiLocales: 'es-MX ru', locale: 'de' }), russian);
    assert.match(await read({ locale: 'de-AT' }), /^Die SMS/);
    assert.match(await read({ locale: 'fr' }), /^Le SMS/);
    assert.match(await read({ locale: 'kk' }), /^SMS жіберу/);
    assert.equal(await read({ locale: 'pt', uiLocales: 7 }), NEUTRAL);
    const numberless = await caught(ours.sendMessage({ ...message(), to: 7, payload: { code: '1', locale: 'ru' } }));
    assert.equal(numberless.data.errorDescription, russian);
    const throwing = Object.defineProperty({ code: '1' }, 'locale', {
      get() {
        throw new Error('no');
      },
      enumerable: true,
    });
    gateway.failNext('unauthorized');
    const { data } = await caught(ours.sendMessage({ ...message(), payload: throwing }));
    assert.equal(data.errorDescription, NEUTRAL, 'a getter that throws is no reason not to send');
    assert.equal(data.reason, 'unauthorized');
    const broken = await createConnector({ getConfig: undefined, ...options });
    const unasked = await caught(broken.sendMessage({ ...message(), payload: { code: '1', locale: 'ru' } }));
    assert.equal(unasked.data.errorDescription, russian);
  });

  test('an outcome is told while other replies come in byte by byte', async () => {
    const hose = new Worker(new URL('../fixtures/hose.mjs', import.meta.url));
    const [url] = await once(hose, 'message');
    let open = 16;
    const onEnd = () => {
      open -= 1;
    };
    for (let begun = open; begun > 0; begun -= 1) {
      sendMessage(message(), validConfig(), { gateways: url }).catch(onEnd);
    }
    await once(hose, 'message');
    for (let told = 0; told < 50; told += 1) await send();
    assert.ok(open > 0, 'they were told when the last of those replies had ended');
    await hose.terminate();
  });

  test('silence is an unknown outcome before Logto itself gives up, and nothing is sent again', async () => {
    const error = await silent.error;
    assertError(error, 'general', { reason: 'unknown_outcome' });
    assert.equal(sentTo(silent.mute), 1);
  });
});

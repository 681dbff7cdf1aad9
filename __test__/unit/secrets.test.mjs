import assert from 'node:assert/strict';
import { tracingChannel } from 'node:diagnostics_channel';
import { after, before, describe, test } from 'node:test';
import { inspect } from 'node:util';

import fc from 'fast-check';

import { caught } from '../support/caught.mjs';
import { fixture, run } from '../support/child.mjs';
import { validConfig } from '../support/configs.mjs';
import createConnector, { sendMessage } from '../support/package.mjs';
import { check } from '../support/property.mjs';
import { message, openGateway } from '../support/setup.mjs';
import { faults } from '../support/testing.mjs';

const EMAIL = 'Owner.Of+sms@Example.com';
const KEY = 'K3y/"of" <the> account+\u00e9=';
const NUMBER = '79001234567';
const CODE = '482913';
const TEXT = `Your "code" is <${CODE}>/\u041a\u043e\u0434\n`;
const BASIC = Buffer.from(`${EMAIL}:${KEY}`).toString('base64');
const WITHHELD = /^The reply is not shown, because it repeats a part of the message or of the credentials\./;

let gateway;
let options;

before(async () => {
  gateway = await openGateway();
  options = { gateways: [gateway.url] };
});

after(() => gateway.stop());

const config = (changes) =>
  validConfig({
    email: EMAIL,
    apiKey: KEY,
    templates: validConfig().templates.map((template) => ({
      ...template,
      content: TEXT.replace(CODE, '{{code}}'),
    })),
    ...changes,
  });

const data = () => message({ to: NUMBER, payload: { code: CODE } });
const SECRETS = { email: EMAIL, key: KEY, number: NUMBER, code: CODE, text: TEXT, header: BASIC };

/** Everything that a log line or a debugger could show of a thing. */
function renderings(thing) {
  return [
    inspect(thing, { showHidden: true, depth: Number.POSITIVE_INFINITY, getters: true }),
    JSON.stringify(thing),
    String(thing),
    thing.stack,
    thing.message,
    ...Reflect.ownKeys(thing).map((key) => inspect(thing[key], { showHidden: true, depth: null })),
    ...Object.values(thing.data).map(String),
  ].join('\n');
}

function assertHidden(thing, secrets = SECRETS) {
  const printed = renderings(thing);
  for (const [name, secret] of Object.entries(secrets)) {
    assert.ok(!printed.includes(secret), `${name} is printed: ${printed}`);
    const escaped = JSON.stringify(secret).slice(1, -1);
    assert.ok(!printed.includes(escaped), `${name} is printed as in JSON: ${printed}`);
  }
  assert.ok(!printed.toLowerCase().includes(EMAIL.toLowerCase()));
}

async function echoed(body, status = 400) {
  gateway.failNext(faults.reply({ status, body }));
  return caught(sendMessage(data(), config(), options));
}

describe('secrets', () => {
  test('no failure shows a secret', async () => {
    const kinds = [
      'validation',
      'unauthorized',
      'noMoney',
      'ipNotAllowed',
      'rateLimited',
      'unavailable',
      'refused200',
      'rejected',
      'notJson',
      'empty',
      'redirect',
      'reset',
      'halfReply',
      'garbage',
      'hugeBody',
    ];
    const stored = await createConnector({ getConfig: async () => config(), ...options });
    for (const kind of kinds) {
      gateway.failNext([kind, kind]);
      assertHidden(await caught(sendMessage(data(), config(), options)));
      assertHidden(await caught(stored.sendMessage(data())));
    }
    const closed = await openGateway();
    await closed.stop();
    assertHidden(await caught(sendMessage(data(), config(), { gateways: [closed.url] })));
  });

  test('an error before anything is sent shows no secret', async () => {
    for (const [call, settings] of [
      [data(), config({ email: 'no address', senderName: undefined })],
      [data(), config({ templates: [] })],
      [data(), config({ allowedPrefixes: '375' })],
      [data(), config({ allowedPrefixes: `x${NUMBER.slice(0, 3)}, 375` })],
      [{ ...data(), type: 'BindMfa' }, config()],
      [{ ...data(), payload: { code: Object.create(null), other: CODE } }, config()],
      [{ ...data(), to: undefined }, config()],
    ]) {
      assertHidden(await caught(sendMessage(call, settings, options)));
    }
  });

  test('a reply that repeats a secret is withheld as a whole', async () => {
    gateway.failNext([faults.echo({ format: 'text' }), faults.echo({ format: 'json' })]);
    for (const _ of ['text', 'json']) {
      const error = await caught(sendMessage(data(), config(), options));
      assertHidden(error);
      assert.match(error.data.message, WITHHELD);
      assert.deepEqual([error.data.reason, error.data.status], ['validation', 400]);
    }
  });

  test('a reply without a secret comes through unchanged', async () => {
    const body = '<p>100 % & more\\n,\u00a0&amp; "48 29"</p>\n';
    assert.equal((await echoed(body)).data.message, body);
  });

  test('a refusal with HTTP 200 shows no secret', async () => {
    for (const secret of Object.values(SECRETS)) {
      for (const body of [
        { success: false, message: `No: ${secret}.` },
        { success: false, message: { nested: [secret] } },
        { result: 'reject', reason: `No: ${secret}.` },
        { success: true, data: { id: 1, status: 6 }, message: secret },
      ]) {
        const error = await echoed(body, 200);
        assertHidden(error);
        assert.match(error.data.message, WITHHELD);
      }
    }
  });

  test('the sentence and the codes of a refusal are looked at by themselves', async () => {
    for (const secret of Object.values(SECRETS)) {
      const body = {
        success: false,
        data: { number: [secret, 'not a number'], text: secret },
        message: 'Validation error.',
      };
      for (const status of [200, 400]) {
        const error = await echoed(body, status);
        assertHidden(error);
        assert.match(error.data.message, /Validation error\.$/);
        assert.match(error.data.errorDescription, /the phone number \(not a number\): .*; the template's text: /);
      }
    }
  });

  test('whatever the payload puts into the text is secret, and so are its parts', async () => {
    const token = 'Zt9-oneTimeToken-7731';
    const link = `https://shop.example/sign-in?one_time_token=${token}`;
    const templates = validConfig().templates.map((template) => ({ ...template, content: '{{link}} {{user.name}}' }));
    const call = message({ payload: { code: CODE, link, user: { name: 'Анна Мария' } } });
    for (const repeated of [link, token, 'onetimetoken', '77-31', 'Анна', 'АННА МАРИЯ']) {
      gateway.failNext(faults.reply({ status: 403, body: { success: false, message: `stop word: ${repeated}` } }));
      const error = await caught(sendMessage(call, config({ templates }), options));
      assertHidden(error, { repeated });
      assert.match(error.data.message, WITHHELD);
      assert.match(error.data.errorDescription, /\(HTTP 403\)$/);
    }
  });

  test('what is too short to be a secret withholds nothing', async () => {
    const body = 'Either the key or the code is wrong: e1e2';
    for (const apiKey of ['e', '', 'the', ' ', 'or']) {
      for (const code of ['1', '', 'e', 'key']) {
        gateway.failNext(faults.reply({ status: 400, body }));
        const settings = config({
          apiKey,
          templates: validConfig().templates.map((t) => ({ ...t, content: '{{code}}' })),
        });
        const { data: answer } = await caught(
          sendMessage({ ...data(), to: '7', payload: { code } }, settings, options),
        );
        assert.equal(answer.message, body);
      }
    }
  });

  test('the beginning of a secret at the limit of the body is enough', async () => {
    const filler = '.'.repeat(64 * 1024 - 5);
    assert.match((await echoed(`${filler}${NUMBER} and more`)).data.message, WITHHELD);
    assert.equal((await echoed(`${filler}other words`)).data.message, `${filler}other`);
  });

  const secrets = fc
    .oneof(
      fc.string({ unit: 'grapheme', minLength: 4, maxLength: 20 }),
      fc.string({
        unit: fc.constantFrom(...'ab%&\\/+"\'<>=;#u0041 \n\u00e9\u{1f600}'),
        minLength: 4,
      }),
    )
    .map((text) => text.toWellFormed())
    // White space around a secret does not count. A property of every error is called `name`; fast-check likes the word.
    .filter((text) => [...text.trim()].length >= 4 && text !== 'name');
  const digits = fc.string({ unit: fc.constantFrom(...'0123456789'), minLength: 4, maxLength: 8 });

  test('whatever the secrets are, an echo of the request shows none', async (t) => {
    const property = fc.asyncProperty(secrets, digits, secrets, async (apiKey, code, around) => {
      gateway.failNext(faults.echo({ format: code.length % 2 ? 'text' : 'json' }));
      const content = `${around.replaceAll('{', '')}{{code}}`;
      const templates = validConfig().templates.map((template) => ({ ...template, content }));
      const error = await caught(sendMessage(message({ payload: { code } }), config({ apiKey, templates }), options));
      const header = Buffer.from(`${EMAIL}:${apiKey}`).toString('base64');
      assertHidden(error, { header, apiKey, code, NUMBER });
    });
    await check(t, property, 300);
  });

  test('whatever the key is, it is found in every spelling', async (t) => {
    const form = (text) => new URLSearchParams({ x: text }).toString().slice(2);
    const quoted = (text) => JSON.stringify(text).slice(1, -1);
    const php = (text) =>
      quoted(text)
        .replace(/[\u0080-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
        .replaceAll('/', '\\/');
    const html = (text) => text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
    const ways = fc.constantFrom((text) => text, quoted, php, encodeURIComponent, form, html);
    const property = fc.asyncProperty(secrets, ways, ways, async (apiKey, inner, outer) => {
      // Two escapes at most: a form's plus and its percent signs count as two.
      const body = `[ ${inner === form || outer === form ? form(apiKey) : outer(inner(apiKey))} ]`;
      gateway.failNext(faults.reply({ status: 400, body }));
      const { data: answer } = await caught(sendMessage(data(), config({ apiKey }), options));
      assert.match(answer.message, WITHHELD, body);
    });
    await check(t, property, 500);
  });

  test('a connector shows nothing of its configuration', async () => {
    const connector = await createConnector({ getConfig: async () => config(), ...options });
    await connector.sendMessage(data());
    const printed = inspect(connector, { showHidden: true, depth: Number.POSITIVE_INFINITY });
    for (const secret of Object.values(SECRETS)) assert.ok(!printed.includes(secret));
  });

  test('events show no secret, whatever happened', async (t) => {
    const channel = tracingChannel('connector-smsaero:send');
    const events = [];
    const note = (event) => events.push(inspect(event, { showHidden: true, depth: null, getters: true }));
    const listeners = { start: note, end: note, asyncStart: note, asyncEnd: note, error: note };
    channel.subscribe(listeners);
    t.after(() => channel.unsubscribe(listeners));
    await sendMessage(data(), config(), options);
    for (const fault of [faults.echo(), faults.unauthorized(), faults.reset(), faults.notJson()]) {
      gateway.failNext(fault);
      await caught(sendMessage(data(), config(), options));
    }
    await caught(sendMessage({ ...data(), type: 'BindMfa' }, config(), options));
    await caught(sendMessage(data(), config({ email: 'none' }), options));
    await caught(sendMessage(data(), config({ allowedPrefixes: '375' }), options));
    assert.ok(events.length > 0);
    for (const [name, secret] of Object.entries(SECRETS)) {
      for (const event of events) assert.ok(!event.includes(secret), `${name}: ${event}`);
    }
  });

  test('the log of NODE_DEBUG shows no secret', async () => {
    const calls = [
      [data(), config()],
      [{ ...data(), type: 'BindMfa' }, config()],
      [data(), config({ allowedPrefixes: '375' })],
      [data(), config({ email: 'none' })],
    ];
    const input = { gateways: gateway.url, calls };
    const { output: log } = await run(fixture('logged'), { input, env: { NODE_DEBUG: 'smsaero' } });
    assert.ok(log.length > 0);
    for (const [name, secret] of Object.entries(SECRETS)) assert.ok(!log.includes(secret), `${name}: ${log}`);
  });
});

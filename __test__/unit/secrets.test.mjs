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

  test('a gateway that echoes the whole request shows no secret', async () => {
    for (const format of ['text', 'json']) {
      gateway.failNext(faults.echo({ format }));
      const error = await caught(sendMessage(data(), config(), options));
      assertHidden(error);
      assert.ok(error.data.message.includes('***'), 'the echo arrived');
    }
  });

  test('the words of a refusal with HTTP 200 are scrubbed', async () => {
    for (const secret of Object.values(SECRETS)) {
      for (const body of [
        { success: false, message: `No: ${secret}.` },
        { success: false, message: { nested: [secret] } },
        { result: 'reject', reason: `No: ${secret}.` },
        { success: true, data: { id: 1, status: 6 }, message: secret },
      ]) {
        const error = await echoed(body, 200);
        assertHidden(error);
        assert.ok(error.data.message.includes('***'));
      }
    }
  });

  test('the codes of wrong fields are scrubbed', async () => {
    for (const secret of Object.values(SECRETS)) {
      for (const status of [200, 400]) {
        const body = {
          success: false,
          data: { number: [secret], text: secret },
          message: 'Validation error.',
        };
        const error = await echoed(body, status);
        assertHidden(error);
        assert.ok(error.data.errorDescription.includes('***'));
      }
    }
  });

  const percent = (text, hex = 'upper', kept = /[A-Za-z0-9_.~-]/) =>
    [...Buffer.from(text)]
      .map((byte) => {
        const character = String.fromCharCode(byte);
        if (kept.test(character)) return character;
        const digits = byte.toString(16).padStart(2, '0');
        return `%${hex === 'upper' ? digits.toUpperCase() : digits}`;
      })
      .join('');
  const escapeUnits = (text, pattern, hex = (digits) => digits) =>
    text.replace(pattern, (unit) => `\\u${hex(unit.charCodeAt(0).toString(16).padStart(4, '0'))}`);
  const quoted = (text) => JSON.stringify(text).slice(1, -1);
  const entities = (text, names) => text.replace(/[&<>"']/g, (character) => names[character]);

  // How servers of all makes write back what they were given.
  const SPELLINGS = {
    'as it is': (text) => text,
    'JSON.stringify': quoted,
    'JSON of PHP': (text) => escapeUnits(quoted(text), /[\u0080-\uffff]/g).replaceAll('/', '\\/'),
    'JSON of PHP, slashes alone': (text) => quoted(text).replaceAll('/', '\\/'),
    'JSON of Python': (text) => escapeUnits(quoted(text), /[\u0080-\uffff]/g),
    'JSON of .NET': (text) =>
      escapeUnits(quoted(text).replaceAll('\\"', '\\u0022'), /[\u0080-\uffff<>&'+]/g, (hex) => hex.toUpperCase()),
    'JSON of Go': (text) => escapeUnits(quoted(text), /[<>&\u2028\u2029]/g),
    'JSON in JSON': (text) => quoted(quoted(text)),
    encodeURIComponent,
    'form of URLSearchParams': (text) => new URLSearchParams({ x: text }).toString().slice(2),
    'rawurlencode of PHP': (text) => percent(text),
    'urlencode of PHP': (text) => percent(text).replaceAll('%20', '+'),
    'quote of Python': (text) => percent(text, 'upper', /[A-Za-z0-9_.~/-]/),
    'UrlEncode of .NET': (text) => percent(text, 'lower', /[A-Za-z0-9_.!*()-]/).replaceAll('%20', '+'),
    'HTML of PHP': (text) => entities(text, { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#039;' }),
    'HTML of Python': (text) =>
      entities(text, { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#x27;' }),
    'HTML of Go': (text) => entities(text, { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&#34;', "'": '&#39;' }),
  };

  for (const [name, spell] of Object.entries(SPELLINGS)) {
    test(`a secret is found in the spelling: ${name}`, async () => {
      const secrets = { ...SECRETS, key: `${KEY}'!*()~`, header: undefined };
      secrets.header = Buffer.from(`${EMAIL}:${secrets.key}`).toString('base64');
      for (const [field, secret] of Object.entries(secrets)) {
        gateway.failNext(faults.reply({ status: 400, body: `before ${spell(secret)} after` }));
        const settings = config({ apiKey: secrets.key });
        const { data: answer } = await caught(sendMessage(data(), settings, options));
        assert.equal(answer.message, 'before *** after', field);
      }
    });
  }

  test('an address is found in any case', async () => {
    for (const email of [EMAIL.toLowerCase(), EMAIL.toUpperCase()]) {
      assert.equal((await echoed(`for ${email}.`)).data.message, 'for ***.');
    }
  });

  test('what is too short to be a secret mangles nothing', async () => {
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

  test('secrets of four characters are hidden', async () => {
    gateway.failNext(faults.reply({ status: 400, body: 'key abcd code 1234.' }));
    const call = message({ payload: { code: '1234' } });
    const { data: answer } = await caught(sendMessage(call, config({ apiKey: 'abcd' }), options));
    assert.equal(answer.message, 'key *** code ***.');
  });

  test('a secret that the limit of the body cuts in two is hidden as far as it goes', async () => {
    for (const [secret, spelled] of [
      [NUMBER, NUMBER],
      [KEY, KEY],
      [KEY, quoted(KEY)],
      [EMAIL, EMAIL.toLowerCase()],
      [BASIC, BASIC],
    ]) {
      for (const printed of [5, spelled.length - 1]) {
        const head = spelled.slice(0, printed);
        const filler = '.'.repeat(64 * 1024 - Buffer.byteLength(head));
        const { data: answer } = await echoed(`${filler}${spelled} and more`);
        assert.ok(answer.message.endsWith('.***'), `${printed} of ${secret}: ${answer.message.slice(-40)}`);
      }
    }
  });

  test('the code is hidden whatever else a template asks of it', async () => {
    for (const content of ['{{code}}', '{{code}} {{code.length}}', '{{code.x}}{{code}}{{code.x}}']) {
      const templates = validConfig().templates.map((template) => ({ ...template, content }));
      gateway.failNext(faults.reply({ status: 400, body: `code ${CODE}.` }));
      const { data: answer } = await caught(sendMessage(data(), config({ templates }), options));
      assert.equal(answer.message, 'code ***.', content);
    }
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
    // A property of every error is called so; fast-check likes the word.
    .filter((text) => text !== 'name');
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

  test('whatever the key is, it is found in every spelling and nothing else is', async (t) => {
    const spellings = fc.constantFrom(...Object.keys(SPELLINGS));
    const property = fc.asyncProperty(secrets, spellings, async (apiKey, name) => {
      const spelled = SPELLINGS[name](apiKey);
      // A key that the frame itself could contain would be found there too.
      fc.pre(!'[BEFORE: |'.includes(apiKey.slice(0, 4)) && !'| :AFTER]'.includes(apiKey.slice(0, 4)));
      gateway.failNext(faults.reply({ status: 400, body: `[BEFORE: |${spelled}| :AFTER]` }));
      const { data: answer } = await caught(sendMessage(data(), config({ apiKey }), options));
      assert.equal(answer.message, '[BEFORE: |***| :AFTER]');
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

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import { replaceSendMessageHandlebars } from '@logto/connector-kit';
import fc from 'fast-check';
import { build, PATH_KEYS, payloads, strings } from '../support/arbitraries.mjs';
import { caught } from '../support/caught.mjs';
import { USAGE_TYPES, validConfig } from '../support/configs.mjs';
import { startBoth } from '../support/official.mjs';
import { check } from '../support/property.mjs';
import { NUMBER } from '../support/setup.mjs';

let gateway;
let official;
let ours;
let stop;

before(async () => {
  ({ gateway, official, ours, stop } = await startBoth());
});

after(() => stop());

const rarely = (usual, arbitrary) => fc.oneof({ weight: 6, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary });
const spaces = rarely(
  '',
  fc.constantFrom(
    ...[' ', '\t', '\n', '\v', '\f', '\r', '\u00a0', '\u1680', '\u2000', '\u200a'],
    ...['\u2028', '\u2029', '\u202f', '\u205f', '\u3000', '\ufeff', '  \u00a0\r\n'],
    // Not white space to a regular expression.
    ...['\u200b', '\u180e', '\u0085', '\u2060', '\0'],
  ),
);
const dots = rarely('.', fc.constantFrom('..', ''));
const keys = fc.oneof(
  { weight: 20, arbitrary: fc.constantFrom(...PATH_KEYS) },
  {
    weight: 1,
    arbitrary: fc.constantFrom('other', 'K', '\u212a', '\u00e9', 'a-b', 'a b', '$', ''),
  },
);
const paths = fc.oneof(
  { weight: 3, arbitrary: keys },
  fc
    .tuple(keys, fc.array(fc.tuple(dots, keys), { maxLength: 3 }), rarely('', fc.constant('.')))
    .map(([root, rest, end]) => root + rest.flat().join('') + end),
  keys.map((key) => `.${key}`),
);
const opening = rarely('{{', fc.constantFrom('{{{', '{', '{{{{', '{ {'));
const closing = rarely('}}', fc.constantFrom('}}}', '}', '}}}}', '} }'));
const handlebars = fc.tuple(opening, spaces, paths, spaces, closing).map((parts) => parts.join(''));
// Names that every object inherits have a test of their own.
const ownNames = strings.map((text) => text.replaceAll(/__proto__|constructor/g, ''));
const fragments = fc.constantFrom('{{', '}}', '{', '}', '$&', '$1', '\\', '"', '\ud83d', '\ude00');
const contents = fc
  .array(fc.oneof({ weight: 4, arbitrary: handlebars }, ownNames, fragments), {
    maxLength: 6,
    size: 'max',
  })
  .map((parts) => parts.join(''));

const emails = fc.constantFrom('owner@example.com', "_'+-@x-.co", 'A.b+c@EXAMPLE.co.uk', '0@0.aa');

function configOf({ email, apiKey, senderName, usageType, content }) {
  const { templates } = validConfig();
  return { email, apiKey, senderName, templates: [{ usageType, content }, ...templates] };
}

/** The body that the official connector would have sent, had its strings been well formed. */
function wellFormed(body) {
  const entries = Object.entries(JSON.parse(body));
  return JSON.stringify(Object.fromEntries(entries.map(([key, text]) => [key, text.toWellFormed()])));
}

describe('rendering beside the official connector', () => {
  test('the request on the wire is that of the official connector', async (t) => {
    const cases = fc.record({
      email: emails,
      apiKey: strings,
      senderName: strings,
      to: fc.oneof(fc.constant(NUMBER), strings),
      usageType: fc.constantFrom(...USAGE_TYPES),
      content: contents,
      payload: payloads,
    });
    let sent = 0;
    const property = fc.asyncProperty(cases, async ({ to, payload, ...settings }) => {
      const data = { to, type: settings.usageType, payload: build(payload) };
      const config = configOf(settings);
      gateway.clear();
      official.requests.length = 0;
      const [theirs, own] = await Promise.allSettled([
        official.connector.sendMessage(data, config),
        ours.sendMessage(data, config),
      ]);

      if (theirs.status === 'rejected') {
        assertUnwritable(own);
        return;
      }
      assert.equal(own.status, 'fulfilled', own.reason?.message);
      const [[expected], [request]] = [official.requests, gateway.requests];
      assert.equal(request.body, wellFormed(expected.body));
      assert.equal(request.method, expected.method);
      assert.equal(request.path, expected.path);
      assert.equal(request.query, '');
      assert.equal(request.headers.authorization, expected.headers.authorization);
      assert.equal(request.headers['content-type'], expected.headers['content-type']);
      assert.equal(gateway.requests.length, 1);
      sent += 1;
    });
    await check(t, property, 2000);
    t.diagnostic(`${sent} messages compared`);
  });

  test('rendered text is that of the kit', async (t) => {
    const property = fc.asyncProperty(contents, payloads, async (content, recipe) => {
      const payload = build(recipe);
      const settings = { ...validConfig(), usageType: 'SignIn', content };
      gateway.clear();
      const [own] = await Promise.allSettled([
        ours.sendMessage({ to: NUMBER, type: 'SignIn', payload }, configOf(settings)),
      ]);
      let expected;
      try {
        expected = replaceSendMessageHandlebars(content, payload);
      } catch {
        assertUnwritable(own);
        return;
      }
      assert.equal(own.status, 'fulfilled', own.reason?.message);
      assert.equal(JSON.parse(gateway.requests[0].body).text, expected.toWellFormed());
    });
    await check(t, property, 2000);
  });

  /** The official connector lets out whatever was thrown; ours says which value of the payload it was. */
  function assertUnwritable({ status, reason }) {
    assert.equal(status, 'rejected');
    assert.equal(reason.code, 'invalid_request_parameters');
    assert.match(reason.message, /`data\.payload\.[\w.]+`/);
    assert.equal(gateway.requests.length, 0);
  }

  async function textOf(content, payload) {
    gateway.clear();
    const settings = { ...validConfig(), usageType: 'SignIn', content };
    await ours.sendMessage({ to: NUMBER, type: 'SignIn', payload }, configOf(settings));
    return JSON.parse(gateway.requests[0].body).text;
  }

  test('only own properties of the payload count', async () => {
    for (const literal of ['{{toString}}', '{{__proto__}}', '{{constructor.name}}', '{{ hasOwnProperty }}']) {
      assert.equal(await textOf(literal, { code: '1' }), literal);
    }
    assert.equal(await textOf('{{a.toString}}|{{a.constructor.name}}|{{a.__proto__}}', { a: {} }), '||');
    assert.equal(await textOf('{{a.b.toString}}', { a: { b: [] } }), '');
    assert.equal(await textOf('{{code}}', Object.create({ code: '1' })), '{{code}}');
    assert.equal(await textOf('{{a.code}}', { a: Object.create({ code: '1' }) }), '');
  });

  test('own properties count under any name', async () => {
    const payload = JSON.parse('{"__proto__":"p","toString":"t","constructor":{"name":"n"}}');
    assert.equal(await textOf('{{__proto__}} {{toString}} {{constructor.name}}', payload), 'p t n');
    assert.equal(await textOf('{{a.__proto__}}', { a: payload }), 'p');
  });

  test('a lone surrogate goes out as U+FFFD, and halves that meet as one character', async () => {
    assert.equal(await textOf('\ud83d|{{a}}', { a: '\ude00' }), '\ufffd|\ufffd');
    assert.equal(await textOf('\ud83d{{a}}', { a: '\ude00' }), '\u{1f600}');
  });

  test('a value is read once, when its handlebar is reached', async () => {
    const reads = [];
    const payload = {
      get b() {
        return reads.push('b');
      },
      get a() {
        return reads.push('a');
      },
    };
    assert.equal(await textOf('{{a}}{{b}}{{a}}', payload), '123');
    assert.deepEqual(reads, ['a', 'b', 'a']);
  });

  test('a payload that is no object matters only where a handlebar asks for it', async () => {
    for (const payload of [undefined, null, 5, 'code', 1n]) {
      assert.equal(await textOf('no handlebar', payload), 'no handlebar');
      const error = await caught(textOf('{{code}}', payload));
      assert.equal(error.code, 'invalid_request_parameters');
      assert.match(error.message, /`data\.payload`/);
    }
  });
});

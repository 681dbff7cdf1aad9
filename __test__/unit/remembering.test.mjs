// The connector remembers the configuration that it read last, and must never mistake another one for it.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import createOfficial from '@logto/connector-smsaero';
import fc from 'fast-check';
import { validConfig } from '../support/configs.mjs';
import createConnector from '../support/package.mjs';
import { check } from '../support/property.mjs';
import { message, openGateway } from '../support/setup.mjs';

let gateway;

before(async () => {
  gateway = await openGateway();
});

after(() => gateway.stop());

const connect = (getConfig) => createConnector({ getConfig, gateways: gateway.url });

// Strings that look like the tags and lengths by which a configuration is described, among others.
const STRINGS = ['', 's', 'o', 'a', '.', 'u', 's1:', '1:s', 'a@b.co', 'b@b.co', 'Generic', '\ud800'];
const values = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...STRINGS) },
  fc.constantFrom(undefined, null, true, false, 0, Number.NaN, 1n, [], {}),
  fc.array(fc.constantFrom(...STRINGS), { maxLength: 2 }),
);

const CHANGES = {
  email: (config, value) => ({ ...config, email: value }),
  apiKey: (config, value) => ({ ...config, apiKey: value }),
  senderName: (config, value) => ({ ...config, senderName: value }),
  // The same characters in other places.
  shift: ({ apiKey, senderName, ...rest }) => ({
    ...rest,
    apiKey: `${apiKey}${senderName}`,
    senderName: '',
  }),
  swap: ({ apiKey, senderName, ...rest }) => ({ ...rest, apiKey: senderName, senderName: apiKey }),
  templates: (config, value) => ({ ...config, templates: value }),
  usageType: (config, value) => withTemplate(config, { usageType: value }),
  content: (config, value) => withTemplate(config, { content: value }),
  locale: (config, value) => withTemplate(config, { locale: value }),
  drop: (config) => ({ ...config, templates: validConfig().templates.slice(1) }),
  testMode: (config, value) => ({ ...config, testMode: value }),
  fallbackToGeneric: (config, value) => ({ ...config, fallbackToGeneric: value }),
  allowedPrefixes: (config, value) => ({ ...config, allowedPrefixes: value }),
  back: () => validConfig(),
};

function withTemplate(config, changes) {
  const [first, ...rest] = validConfig().templates;
  return { ...config, templates: [{ ...first, ...changes }, ...rest] };
}

function judgement(guard, config) {
  const { success, data, error } = guard.safeParse(config);
  return { success, data, issues: error?.issues };
}

const OWN_KEYS = ['testMode', 'fallbackToGeneric', 'allowedPrefixes', 'locale'];

describe('a configuration that changes', () => {
  test('verdicts do not depend on what was judged before', async (t) => {
    const { configGuard: ours } = await connect();
    const { configGuard: official } = await createOfficial({});
    const steps = fc.array(fc.tuple(fc.constantFrom(...Object.keys(CHANGES)), values), {
      minLength: 2,
      maxLength: 8,
    });
    let judged = 0;
    const property = fc.property(steps, fc.boolean(), (changes, inPlace) => {
      const config = validConfig();
      let current = config;
      let hasOwnKeys = false;
      for (const [name, value] of changes) {
        const changed = CHANGES[name](current, value);
        hasOwnKeys ||= OWN_KEYS.includes(name);
        current = inPlace ? Object.assign(config, changed) : changed;
        const own = judgement(ours, current);
        // A second guard that has just read something else cannot remember this one.
        ours.safeParse({});
        assert.deepEqual(own, judgement(ours, current));
        // Of these the official guard knows nothing.
        if (hasOwnKeys) continue;
        assert.deepEqual(own, judgement(official, current));
        judged += 1;
      }
    });
    await check(t, property, 2000);
    assert.ok(judged > 100, `${judged} compared with the official judgement`);
  });

  test('a configuration that is changed in place counts as it is with the next message', async () => {
    const config = validConfig();
    const { sendMessage } = await connect(async () => config);
    const sent = async () => {
      await sendMessage(message());
      const { path, headers, body } = gateway.requests.at(-1);
      return { path, authorization: headers.authorization, ...JSON.parse(body) };
    };
    const first = await sent();
    assert.deepEqual(await sent(), first);

    config.apiKey = 'another-key';
    const { authorization } = await sent();
    const expected = Buffer.from('owner@example.com:another-key').toString('base64');
    assert.equal(authorization, `Basic ${expected}`);
    config.senderName = 'Another';
    assert.equal((await sent()).sign, 'Another');
    config.templates[1].content = 'Changed {{code}}';
    assert.equal((await sent()).text, 'Changed 482913');
    config.testMode = true;
    assert.equal((await sent()).path, '/v2/sms/testsend');
    delete config.testMode;
    assert.equal((await sent()).path, '/v2/sms/send');
    config.templates.length = 0;
    await assert.rejects(sendMessage(message()), { code: 'invalid_config' });
  });

  test('a message that is sent while another one is being read does not lend it its configuration', async () => {
    const { sendMessage } = await connect();
    const inner = validConfig({ email: 'inner@example.com', apiKey: 'inner-key' });
    const outer = validConfig({ email: 'outer@example.com', apiKey: 'outer-key' });
    const sends = [];
    const meddle = () => {
      sends.push(sendMessage(message({ to: '79000000001' }), inner));
    };
    const meddling = (target, key) => {
      const value = target[key];
      return Object.defineProperty(target, key, {
        get: () => {
          meddle();
          return value;
        },
      });
    };
    const before = gateway.requests.length;
    // In every place where code of the caller's runs: the message, its payload, the configuration.
    const calls = [
      [meddling(message(), 'payload'), outer],
      [message({ payload: meddling({ code: '482913' }, 'code') }), outer],
      [message(), meddling(structuredClone(outer), 'email')],
      [message(), meddling(structuredClone(outer), 'allowedPrefixes')],
    ];
    for (const call of calls) await sendMessage(...call);
    await Promise.all(sends);

    const requests = gateway.requests.slice(before);
    assert.equal(requests.length, calls.length + sends.length);
    assert.ok(sends.length >= calls.length);
    for (const { headers, body } of requests) {
      const [, credentials] = headers.authorization.split(' ');
      const name = JSON.parse(body).number === '79000000001' ? 'inner' : 'outer';
      assert.equal(Buffer.from(credentials, 'base64').toString(), `${name}@example.com:${name}-key`);
    }
  });
});

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, beforeEach, describe, test } from 'node:test';

import createOfficial from '@logto/connector-smsaero';
import fc from 'fast-check';

import { REQUIRED, USAGE_TYPES, validConfig } from '../support/configs.mjs';
import createConnector, { PACKAGE, sendMessage } from '../support/package.mjs';
import { check } from '../support/property.mjs';
import { message, openGateway, resetGateway } from '../support/setup.mjs';

let gateway;
let ours;
let official;

before(async () => {
  gateway = await openGateway();
  ours = await createConnector({ getConfig() {} });
  official = await createOfficial({ getConfig() {} });
});

after(() => gateway.stop());

beforeEach(() => resetGateway(gateway));

const isEmpty = (value) =>
  value === '' ||
  value === null ||
  value === undefined ||
  (typeof value === 'object' && Object.keys(value).length === 0);

/** What Logto stores: empty values dropped at every depth, keys in another order. */
function stored(value) {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(stored).filter((item) => !isEmpty(item));
  const entries = Object.entries(value).map(([key, item]) => [key, stored(item)]);
  return Object.fromEntries(entries.filter(([, item]) => !isEmpty(item)).sort());
}

/** What the Console sends when somebody opens a stored configuration and saves it untouched. */
function savedAgain(config, switches) {
  const absent = { Json: {}, MultiSelect: [], Text: undefined, Switch: switches };
  const values = ours.metadata.formItems.map(({ key, type }) => [key, key in config ? config[key] : absent[type]]);
  return Object.fromEntries(values.filter(([, value]) => value !== undefined));
}

const texts = fc.constantFrom('{{code}}', 'Code {{code}}', 'Код {{code}}');
const extra = fc.record(
  {
    usageType: fc.constantFrom(...USAGE_TYPES),
    content: texts,
    locale: fc.constantFrom('ru', 'de-AT'),
  },
  { requiredKeys: ['usageType', 'content'] },
);
const configs = fc
  .record(
    {
      templates: fc
        .tuple(texts, fc.array(extra, { maxLength: 5 }))
        .map(([content, more]) => [...REQUIRED.map((usageType) => ({ usageType, content })), ...more]),
      fallbackToGeneric: fc.boolean(),
      testMode: fc.boolean(),
      allowedPrefixes: fc.constantFrom('', '7', '7, 375', [], ['7'], ['1', '375'], '375'),
    },
    { requiredKeys: ['templates'] },
  )
  .map(validConfig);

/** What a configuration does with a message of each usage type. */
async function meaning(config) {
  const outcomes = [];
  for (const type of USAGE_TYPES) {
    const data = message({ type, payload: { code: '1234', uiLocales: 'de-AT-1996 ru' } });
    const failure = await sendMessage(data, config, { gateways: gateway.url }).then(
      () => undefined,
      (error) => error,
    );
    const { path, body } = gateway.requests.at(-1) ?? {};
    outcomes.push(failure ? [failure.code, failure.data.reason] : [path, body]);
    gateway.clear();
  }
  return outcomes;
}

describe('the form of the Console', () => {
  test('opening a stored configuration and saving it changes the meaning of none', async (t) => {
    const property = fc.asyncProperty(configs, fc.constantFrom(false, undefined), async (config, switches) => {
      const before = stored(config);
      const saved = savedAgain(before, switches);
      assert.ok(ours.configGuard.safeParse(saved).success);
      assert.deepEqual(await meaning(stored(saved)), await meaning(before));
    });
    await check(t, property, 60);
  });

  test('the official guard takes our configurations, and strips our keys', async (t) => {
    const property = fc.asyncProperty(configs, async (config) => {
      const { email, apiKey, senderName, templates } = config;
      const plain = templates.map(({ usageType, content }) => ({ usageType, content }));
      assert.deepEqual(official.configGuard.parse(config), {
        email,
        apiKey,
        senderName,
        templates: plain,
      });
    });
    await check(t, property, 500);
  });

  test('guide and form fit beside each other at 1280 pixels: no line of code is wider than 60 characters', () => {
    const { readme, formItems } = ours.metadata;
    const blocks = readFileSync(path.join(PACKAGE, readme), 'utf8').match(/^```[\s\S]*?^```$/gm);
    const templates = formItems.find(({ key }) => key === 'templates').defaultValue;
    // As the Console's editor shows it.
    const lines = [...blocks, JSON.stringify(templates, null, 2)].join('\n').split('\n');
    assert.ok(lines.length > 80);
    for (const line of lines) assert.ok(line.length <= 60, `${line.length}: ${line}`);
  });

  test('a new form, saved as it is with an account, is a configuration for all nine usage types', async () => {
    const defaults = ours.metadata.formItems
      .filter(({ defaultValue }) => defaultValue !== undefined)
      .map(({ key, defaultValue }) => [key, defaultValue]);
    const config = {
      ...Object.fromEntries(defaults),
      email: 'a@example.com',
      apiKey: 'key',
      senderName: 'SMS Aero',
    };
    assert.equal(config.fallbackToGeneric, true);
    for (const [path, body] of await meaning(stored(config))) {
      assert.equal(path, '/v2/sms/send');
      assert.match(JSON.parse(body).text, /1234/);
    }
  });
});

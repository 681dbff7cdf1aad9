import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { ConnectorType, TemplateType } from '@logto/connector-kit';
import createOfficial from '@logto/connector-smsaero';

import { validConfig } from '../support/configs.mjs';
import createConnector, { entry } from '../support/package.mjs';
import { message, openGateway } from '../support/setup.mjs';

const getConfig = async () => validConfig();
const connector = await createConnector({ getConfig });
const official = await createOfficial({ getConfig });
const { metadata } = connector;

const LANGUAGES = ['en', 'ru', 'de', 'fr', 'zh-CN', 'tr-TR', 'ko'];
const KITS = ['kit-2.1', 'kit-3.0', 'kit-4.7', 'kit-5.0.1', 'kit-5.1.1'];

describe('the connector', () => {
  test('the entry point exports createConnector, and what sends and asks without it', () => {
    const plain = ['getBalance', 'getStatus', 'listSenderNames', 'sendMessage', 'sendText'];
    assert.deepEqual(Object.keys(entry).sort(), ['createConnector', 'default', ...plain]);
    assert.equal(entry.createConnector, createConnector);
    assert.ok(createConnector({ getConfig }) instanceof Promise);
  });

  test('the connector is a plain object of own enumerable properties', () => {
    assert.deepEqual(Object.keys(connector), Object.keys(official));
    assert.equal(Object.getPrototypeOf(connector), Object.prototype);
    for (const descriptor of Object.values(Object.getOwnPropertyDescriptors(connector))) {
      assert.ok('value' in descriptor);
    }
    assert.equal(connector.type, ConnectorType.Sms);
  });

  test('spread and destructured as core does it, with this undefined, it sends', async (t) => {
    const gateway = await openGateway();
    t.after(() => gateway.stop());
    const made = await createConnector({ getConfig, gateways: gateway.url });
    const { sendMessage } = { ...made, dbEntry: {} };
    assert.equal((await sendMessage.call(undefined, message())).gateway, gateway.url);
    assert.equal((await sendMessage(message(), validConfig())).gateway, gateway.url);
    assert.equal(gateway.messages.length, 2);
  });

  test('connectors do not share what they send with', async (t) => {
    const gateway = await openGateway();
    t.after(() => gateway.stop());
    const named = (senderName) =>
      createConnector({ getConfig: async () => validConfig({ senderName }), gateways: gateway.url });
    const [one, other] = [await named('One'), await named('Other')];
    await Promise.all([one.sendMessage(message()), other.sendMessage(message())]);
    assert.deepEqual(gateway.messages.map(({ sign }) => sign).sort(), ['One', 'Other']);
  });

  test('metadata identifies the official connector', () => {
    for (const key of ['id', 'target', 'platform', 'logoDark', 'logo']) {
      assert.equal(metadata[key], official.metadata[key], key);
    }
    assert.match(metadata.readme, /^\.\/.+\.md$/);
  });

  test('metadata is JSON, without undefined and without what Node-API makes of things', () => {
    assert.deepEqual(JSON.parse(JSON.stringify(metadata)), metadata);
  });

  test('name and description are given in seven languages, in our own words', () => {
    for (const key of ['name', 'description']) {
      assert.deepEqual(Object.keys(metadata[key]).sort(), LANGUAGES.toSorted(), key);
      const theirs = Object.values(official.metadata[key]);
      for (const words of Object.values(metadata[key])) {
        assert.ok(words.trim().length > 0);
        assert.ok(!theirs.includes(words), words);
      }
    }
  });

  for (const kit of KITS) {
    test(`the metadata guard of ${kit} takes the metadata`, async () => {
      const { connectorMetadataGuard } = await import(kit);
      const { success, error } = connectorMetadataGuard.safeParse(metadata);
      assert.equal(success, true, error?.message);
    });
  }

  test('the newest metadata guard strips nothing', async () => {
    const { connectorMetadataGuard } = await import('kit-5.1.1');
    assert.deepEqual(connectorMetadataGuard.parse(metadata), metadata);
  });

  test('the official form items come first, in their order and of their types', () => {
    const shape = ({ key, type, required }) => ({ key, type, required });
    const theirs = official.metadata.formItems;
    assert.deepEqual(metadata.formItems.slice(0, theirs.length).map(shape), theirs.map(shape));
    const sender = metadata.formItems.find(({ key }) => key === 'senderName');
    assert.equal(sender.placeholder, 'SMSAero');
  });

  test('additive form items are optional, of types that Console can leave empty, and not masked', () => {
    const additive = metadata.formItems.slice(official.metadata.formItems.length);
    assert.deepEqual(additive.map(({ key }) => key).sort(), ['allowedPrefixes', 'fallbackToGeneric', 'testMode']);
    for (const { key, type, required } of additive) {
      assert.ok(['Switch', 'Text', 'MultiSelect'].includes(type), key);
      assert.notEqual(required, true, key);
      assert.doesNotMatch(key, /(Key|Secret)$/);
    }
  });

  test('default templates cover every usage type in our own words, and promise no validity', () => {
    const { defaultValue } = metadata.formItems.find(({ key }) => key === 'templates');
    assert.deepEqual(defaultValue.map(({ usageType }) => usageType).sort(), Object.values(TemplateType).sort());
    const { defaultValue: theirs } = official.metadata.formItems.find(({ key }) => key === 'templates');
    for (const { usageType, content } of defaultValue) {
      assert.match(content, /\{\{code\}\}/, usageType);
      assert.doesNotMatch(content, /minute|hour|\d/i, usageType);
      assert.ok(!theirs.some((template) => template.content === content), usageType);
    }
    assert.equal(connector.configGuard.safeParse(validConfig({ templates: defaultValue })).success, true);
  });

  test('the guard takes what Console saves for additive fields that were left alone', () => {
    for (const additive of [
      {},
      { fallbackToGeneric: false, testMode: false },
      { fallbackToGeneric: undefined, testMode: undefined, allowedPrefixes: undefined },
      { allowedPrefixes: '' },
      { allowedPrefixes: [] },
    ]) {
      const config = validConfig(additive);
      assert.equal(connector.configGuard.safeParse(config).success, true, JSON.stringify(additive));
      assert.equal(official.configGuard.safeParse(config).success, true);
    }
  });
});

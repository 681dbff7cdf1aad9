import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import fc from 'fast-check';
import { anything, build } from '../support/arbitraries.mjs';
import { caught } from '../support/caught.mjs';
import { isConnectorError, isZodError } from '../support/classes.mjs';
import { validConfig } from '../support/configs.mjs';
import createConnector, { sendMessage } from '../support/package.mjs';
import { check } from '../support/property.mjs';
import { message, openGateway } from '../support/setup.mjs';

let gateway;
let options;

before(async () => {
  gateway = await openGateway();
  options = { gateways: gateway.url };
  // For calls whose options are of no use: nothing leaves this machine.
  process.env.SMSAERO_GATEWAYS = gateway.url;
});

after(() => gateway.stop());

const explosive = (target, key, thrown = new Error('from a getter')) =>
  Object.defineProperty({ ...target }, key, {
    get() {
      throw thrown;
    },
  });

const templatesOf = (content) =>
  validConfig({ templates: validConfig().templates.map((template) => ({ ...template, content })) });

const without = (object, key) => {
  const { [key]: _, ...rest } = object;
  return rest;
};

const THINGS = [
  undefined,
  null,
  true,
  0,
  Number.NaN,
  1n,
  'text',
  '',
  Symbol('s'),
  () => {},
  [],
  {},
  new Date(0),
  new Map(),
  Promise.resolve(),
  Object.create(null),
  new Proxy({}, {}),
];

/** The error names the field, and is of the classes that Logto knows. */
function assertNames(error, field) {
  assert.ok(isConnectorError(error), `${error}`);
  assert.equal(error.code, 'invalid_request_parameters');
  assert.equal(error.data.reason, 'validation');
  assert.ok(error.message.includes(`\`${field}\``), `${error.message} does not name ${field}`);
}

describe('calls that cannot be right', () => {
  test('sendMessage without anything says what is missing', async () => {
    assertNames(await caught(sendMessage()), 'data');
    const { sendMessage: send } = await createConnector({
      getConfig: () => validConfig(),
      ...options,
    });
    assertNames(await caught(send()), 'data');
  });

  test('useless data is named', async () => {
    for (const data of THINGS) {
      const error = await caught(sendMessage(data, validConfig(), options));
      assertNames(error, typeof data === 'object' && data !== null ? 'data.to' : 'data');
    }
  });

  test('a missing or useless part of data is named', async () => {
    for (const key of ['to', 'type']) {
      assertNames(await caught(sendMessage(without(message(), key), validConfig(), options)), `data.${key}`);
      for (const thing of THINGS.filter((value) => typeof value !== 'string')) {
        const data = message({ [key]: thing });
        assertNames(await caught(sendMessage(data, validConfig(), options)), `data.${key}`);
      }
    }
    assertNames(await caught(sendMessage(without(message(), 'payload'), validConfig(), options)), 'data.payload');
    for (const payload of [null, 5, 'text', Symbol('s'), true]) {
      assertNames(await caught(sendMessage(message({ payload }), validConfig(), options)), 'data.payload');
    }
  });

  test('a part of data that throws when it is read is named', async () => {
    for (const thrown of [new Error('x'), 'text', undefined, null, Object.freeze({})]) {
      for (const key of ['to', 'type', 'payload']) {
        const data = explosive(message(), key, thrown);
        assertNames(await caught(sendMessage(data, validConfig(), options)), `data.${key}`);
      }
      const inPayload = message({ payload: explosive({}, 'code', thrown) });
      assertNames(await caught(sendMessage(inPayload, validConfig(), options)), 'data.payload.code');
      const explode = () => {
        throw thrown;
      };
      const inValue = message({ payload: { code: { toString: explode } } });
      assertNames(await caught(sendMessage(inValue, validConfig(), options)), 'data.payload.code');
    }
    const trap = () => {
      throw new Error('from a trap');
    };
    const traps = Object.fromEntries(Object.getOwnPropertyNames(Reflect).map((name) => [name, trap]));
    assertNames(await caught(sendMessage(new Proxy({}, traps), validConfig(), options)), 'data.to');
    const payload = new Proxy({}, traps);
    assertNames(await caught(sendMessage(message({ payload }), validConfig(), options)), 'data.payload.code');
    const nested = message({ payload: { a: payload } });
    const templates = validConfig().templates.map(({ usageType }) => ({
      usageType,
      content: '{{a.b}}',
    }));
    assertNames(await caught(sendMessage(nested, validConfig({ templates }), options)), 'data.payload.a.b');
  });

  test('languages that throw when they are read are named', async () => {
    const templates = validConfig().templates.map((template) => ({ ...template, locale: 'ru' }));
    for (const key of ['uiLocales', 'locale']) {
      const payload = explosive({ code: '1' }, key);
      const error = await caught(sendMessage(message({ payload }), validConfig({ templates }), options));
      assertNames(error, `data.payload.${key}`);
    }
  });

  test('a value that cannot be written is named', async () => {
    const revoked = Proxy.revocable({}, {});
    revoked.revoke();
    for (const code of [Object.create(null), [Symbol('s')], { toString: () => ({}) }, revoked.proxy]) {
      const error = await caught(sendMessage(message({ payload: { code } }), validConfig(), options));
      assertNames(error, 'data.payload.code');
    }
  });

  test('a useless configuration is invalid_config with the path of every field', async () => {
    for (const config of THINGS) {
      const error = await caught(sendMessage(message(), config, options));
      assert.ok(isConnectorError(error));
      assert.equal(error.code, 'invalid_config');
      assert.ok(isZodError(error.data));
      const paths = error.data.issues.map(({ path }) => path.join('.'));
      const isObject = paths.length > 1;
      assert.deepEqual(paths, isObject ? ['email', 'apiKey', 'senderName', 'templates'] : ['']);
    }
  });

  test('a configuration that throws when it is read is named', async () => {
    for (const thrown of [new Error('x'), 'text', undefined, Object.freeze({})]) {
      for (const key of ['email', 'apiKey', 'senderName', 'templates', 'then', 'testMode']) {
        const error = await caught(sendMessage(message(), explosive(validConfig(), key, thrown), options));
        assert.ok(isConnectorError(error), `${key}: ${String(error)}`);
        assert.equal(error.code, 'invalid_config');
        if (key !== 'then') assert.ok(error.message.includes(key), error.message);
      }
    }
  });

  test('cycles do no harm', async () => {
    const config = validConfig();
    config.templates.push(config, config.templates);
    config.self = config;
    const error = await caught(sendMessage(message(), config, options));
    assert.deepEqual(
      error.data.issues.map(({ path }) => path.join('.')),
      ['templates.4.usageType', 'templates.4.content', 'templates.5'],
    );
    const payload = { code: [] };
    payload.code.push(payload.code);
    payload.self = payload;
    await sendMessage(message({ payload }), validConfig(), options);
  });

  test('a million templates do no harm', async () => {
    const filler = { usageType: 'Filler', content: '' };
    const templates = Array.from({ length: 1e6 }, () => filler).concat(validConfig().templates);
    const receipt = await sendMessage(message(), validConfig({ templates }), options);
    assert.equal(receipt.gateway, gateway.url);
    const wrong = Array.from({ length: 1e5 }, () => 5);
    const error = await caught(sendMessage(message(), validConfig({ templates: wrong }), options));
    assert.equal(error.data.issues.length, 1e5);
  });

  test('huge texts do no harm', async () => {
    const huge = 'x'.repeat(5_000_000);
    const calls = [
      [message({ payload: { code: huge } }), validConfig()],
      [message({ to: huge }), validConfig()],
      [message({ type: huge }), validConfig()],
      [message(), validConfig({ email: huge })],
      [message(), validConfig({ email: `${huge}@example.com` })],
      [
        message(),
        validConfig({
          templates: validConfig().templates.map((t) => ({ ...t, content: '{{'.repeat(1e6) })),
        }),
      ],
      [
        message(),
        validConfig({
          templates: validConfig().templates.map((t) => ({
            ...t,
            content: `{{a${'.a'.repeat(1e5)}}}`,
          })),
        }),
      ],
    ];
    for (const [data, config] of calls) {
      // Whether the gateway takes such a message is its own matter; that there is an answer is ours.
      const [{ reason }] = await Promise.allSettled([sendMessage(data, config, options)]);
      if (reason !== undefined) {
        assert.ok(isConnectorError(reason), String(reason));
        assert.ok(!reason.stack.includes(huge.slice(0, 1000)) || reason.code === 'template_not_found');
      }
    }
  });

  test('a text of more than 100,000 characters is refused before anything is sent', async () => {
    const content = '{{a}} and {{b}}';
    const most = 'x'.repeat(100_000 - 5);
    await sendMessage(message({ payload: { a: most, b: '' } }), templatesOf(content), options).catch(() => {});
    assert.equal(JSON.parse(gateway.requests.at(-1).body).text.length, 100_000);
    gateway.clear();
    for (const [payload, config] of [
      [{ a: most, b: '1' }, templatesOf(content)],
      [{ a: `${most}123456` }, templatesOf(content)],
      [{ a: 'x'.repeat(60_000), b: 'x'.repeat(60_000) }, templatesOf(content)],
      [{}, templatesOf('x'.repeat(100_001))],
    ]) {
      const { code, data } = await caught(sendMessage(message({ payload }), config, options));
      assert.deepEqual([code, data.reason], ['general', 'validation']);
      assert.match(data.message, /longer than 100000 characters\. Nothing was sent/);
    }
    assert.deepEqual(gateway.requests, []);
  });

  test('endless strings are refused, and a message beside them is sent', async () => {
    // Half of what V8 can hold in one string: two of them do not fit into one.
    const endless = 'x'.repeat(280_000_000);
    const sends = [
      [message({ payload: { code: endless } }), validConfig(), 'general'],
      [message({ payload: { code: endless } }), validConfig(), 'general'],
      [message(), templatesOf(endless), 'general'],
      [message({ to: endless }), validConfig(), 'invalid_request_parameters'],
      [message({ type: endless }), validConfig(), 'invalid_request_parameters'],
    ];
    const errors = sends.map(([data, config]) => caught(sendMessage(data, config, options)));
    const { sendMessage: sendStored } = await createConnector({ getConfig: async () => validConfig(), ...options });
    const stored = caught(sendStored(message({ payload: { code: endless } })));
    await sendMessage(message({ payload: { code: '1', uiLocales: endless, locale: endless } }), validConfig(), options);
    for (const [index, error] of (await Promise.all(errors)).entries()) {
      assert.ok(isConnectorError(error), String(error));
      assert.deepEqual([error.code, error.data.reason], [sends[index][2], 'validation']);
      assert.ok(error.message.length < 1000);
    }
    assert.equal((await stored).data.reason, 'validation');
    assert.equal(gateway.requests.length, 1);
    gateway.clear();
  });

  test('a guard accepts templates that are too long to be sent, and hands them back', async () => {
    const { configGuard } = await createConnector({ getConfig() {}, ...options });
    const config = templatesOf('x'.repeat(280_000_000));
    const { success, data } = configGuard.safeParse(config);
    assert.ok(success);
    assert.ok(data.templates.every(({ content }, index) => content === config.templates[index].content));
  });

  test('many long messages that begin together are all sent', async () => {
    const payload = { code: 'x'.repeat(90_000) };
    const sends = Array.from({ length: 64 }, () => sendMessage(message({ payload }), validConfig(), options));
    for (const { reason } of await Promise.allSettled(sends))
      assert.ok(!reason || isConnectorError(reason), String(reason));
    assert.equal(gateway.requests.length, 64);
    gateway.clear();
  });

  test('createConnector refuses what is no options object, by promise and with the name of what is missing', async () => {
    for (const thing of THINGS.filter((value) => typeof value !== 'object' || value === null)) {
      const promise = createConnector(thing);
      assert.ok(promise instanceof Promise);
      const error = await caught(promise);
      assert.ok(error instanceof Error);
      assert.match(error.message, /getConfig/);
    }
  });

  test('options that throw when they are read reject, and abort nothing', async () => {
    const thrown = new Error('from a getter');
    for (const key of ['getConfig', 'gateways']) {
      assert.equal(await caught(createConnector(explosive({ getConfig() {} }, key, thrown))), thrown);
    }
    assert.equal(await caught(sendMessage(message(), validConfig(), explosive({}, 'gateways', thrown))), thrown);
  });

  test('useless gateways are named', async () => {
    const useless = [
      5,
      true,
      1n,
      Symbol('s'),
      () => {},
      {},
      new Map(),
      [5],
      [{}],
      [Symbol('s')],
      [[Object.create(null)]],
    ];
    for (const gateways of useless) {
      for (const call of [
        () => createConnector({ getConfig: () => validConfig(), gateways }),
        () => sendMessage(message(), validConfig(), { gateways }),
      ]) {
        const error = await caught(call());
        assert.ok(error instanceof Error);
        assert.match(error.message, /gateways/, String(error));
      }
    }
  });

  test('useless deadlines are named', async () => {
    for (const key of ['timeoutMs', 'connectTimeoutMs']) {
      for (const value of [0, -1, Number.NaN, Number.POSITIVE_INFINITY, '100', 100n, {}, [], Symbol('s'), true]) {
        for (const call of [
          () => createConnector({ getConfig: () => validConfig(), [key]: value }),
          () => sendMessage(message(), validConfig(), { ...options, [key]: value }),
        ]) {
          const error = await caught(call());
          assert.ok(error instanceof Error);
          assert.ok(error.message.includes(key), `${String(value)}: ${error}`);
        }
      }
    }
  });

  test('useless options are no options', async () => {
    for (const thing of [undefined, null, 5, 'text', Symbol('s'), {}, []]) {
      const receipt = await sendMessage(message(), validConfig(), thing);
      assert.equal(receipt.gateway, gateway.url);
    }
  });

  test('anything at all in every place of a call settles, with an Error if it fails', async (t) => {
    const places = {
      data: (thing) => sendMessage(thing, validConfig(), options),
      to: (to) => sendMessage(message({ to }), validConfig(), options),
      type: (type) => sendMessage(message({ type }), validConfig(), options),
      payload: (payload) => sendMessage(message({ payload }), validConfig(), options),
      code: (code) => sendMessage(message({ payload: { code } }), validConfig(), options),
      config: (config) => sendMessage(message(), config, options),
      template: (template) =>
        sendMessage(message(), validConfig({ templates: [...validConfig().templates, template] }), options),
      fallbackToGeneric: (value) => sendMessage(message(), validConfig({ fallbackToGeneric: value }), options),
      allowedPrefixes: (value) => sendMessage(message(), validConfig({ allowedPrefixes: value }), options),
      stored: async (config) =>
        (await createConnector({ getConfig: () => [config], ...options })).sendMessage(message()),
    };
    const property = fc.asyncProperty(fc.constantFrom(...Object.keys(places)), anything, async (place, recipe) => {
      const [{ reason, status }] = await Promise.allSettled([places[place](build(recipe))]);
      if (status === 'rejected') assert.ok(isConnectorError(reason), String(reason));
    });
    await check(t, property, 1500);
  });
});

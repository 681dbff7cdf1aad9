import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { ConnectorError } from '@logto/connector-kit';
import createOfficial from '@logto/connector-smsaero';
import { caught } from '../support/caught.mjs';
import { isConnectorError, isZodError } from '../support/classes.mjs';
import { validConfig } from '../support/configs.mjs';
import createConnector from '../support/package.mjs';
import { message, openGateway } from '../support/setup.mjs';

let gateway;

before(async () => {
  gateway = await openGateway();
});

after(() => gateway.stop());

const connect = (getConfig) => createConnector({ getConfig, gateways: gateway.url });

const THINGS = [
  new Error('an error'),
  new ConnectorError('not_implemented'),
  Object.freeze({ a: 1 }),
  Object.create(null),
  'a string',
  '',
  0,
  1n,
  undefined,
  null,
  false,
  Symbol('a symbol'),
  () => {},
  [],
];

describe('getConfig', () => {
  test('it is asked once a message, for the id in the metadata, and never before', async () => {
    const calls = [];
    const { metadata, sendMessage, configGuard } = await connect(async (...args) => {
      calls.push(args);
      return validConfig();
    });
    configGuard.safeParse(validConfig());
    assert.deepEqual(calls, []);
    await sendMessage(message());
    assert.deepEqual(calls, [[metadata.id]]);
    await sendMessage(message(), undefined);
    await sendMessage(message(), null);
    assert.equal(calls.length, 3);
  });

  test('it is not asked when the configuration comes with the call', async () => {
    const { sendMessage } = await connect(() => assert.fail('asked'));
    await sendMessage(message(), validConfig());
    await caught(sendMessage(message(), {}));
    await caught(sendMessage(message(), 0));
    await caught(sendMessage(message(), ''));
  });

  test('what it throws comes out as the same thing', async () => {
    for (const thing of THINGS) {
      const { sendMessage } = await connect(() => {
        throw thing;
      });
      const promise = sendMessage(message());
      assert.ok(promise instanceof Promise);
      assert.equal(await caught(promise), thing);
    }
  });

  test('what it rejects with comes out as the same thing', async () => {
    for (const thing of THINGS) {
      const { sendMessage } = await connect(() => Promise.reject(thing));
      assert.equal(await caught(sendMessage(message())), thing);
    }
  });

  test('thenables count as promises', async () => {
    const config = validConfig();
    const resolving = await connect(() => ({ then: (resolve) => resolve(config) }));
    assert.equal((await resolving.sendMessage(message())).gateway, gateway.url);
    const thing = Object.freeze({});
    const rejecting = await connect(() => ({ then: (_, reject) => reject(thing) }));
    assert.equal(await caught(rejecting.sendMessage(message())), thing);
    const throwing = await connect(() => ({
      then() {
        throw thing;
      },
    }));
    assert.equal(await caught(throwing.sendMessage(message())), thing);
  });

  test('a thenable that answers more than once sends once, with its first answer', async () => {
    const { sendMessage } = await connect(() => ({
      then: (resolve, reject) => {
        resolve(validConfig({ senderName: 'First' }));
        resolve(validConfig({ senderName: 'Second' }));
        reject(new Error('and then it failed'));
      },
    }));
    const before = gateway.requests.length;
    await sendMessage(message());
    await new Promise((resolve) => setTimeout(resolve, 50));
    const requests = gateway.requests.slice(before);
    assert.deepEqual(
      requests.map(({ body }) => JSON.parse(body).sign),
      ['First'],
    );
  });

  test('a configuration may also come without a promise', async () => {
    const { sendMessage } = await connect(() => validConfig());
    assert.equal((await sendMessage(message())).gateway, gateway.url);
  });

  test('garbage is the official invalid_config, with the ZodError that Console reads', async () => {
    const garbage = [...THINGS, {}, 5, Number.NaN, new Date(0), new Map(), [[]], { templates: [] }, new Proxy({}, {})];
    for (const thing of garbage) {
      const getConfig = async () => thing;
      const own = await caught((await connect(getConfig)).sendMessage(message()));
      const theirs = await caught((await createOfficial({ getConfig })).sendMessage(message()));
      assert.ok(isConnectorError(own));
      assert.equal(own.code, 'invalid_config');
      assert.ok(isZodError(own.data));
      assert.deepEqual(own.data.issues, theirs.data.issues);
      assert.equal(own.message, theirs.message);
    }
  });

  test('a configuration that cannot be read is an error with the name of the place', async () => {
    const thing = new Error('from a getter');
    const explosive = (object, key) =>
      Object.defineProperty(object, key, {
        get() {
          throw thing;
        },
      });
    const [template, ...templates] = validConfig().templates;
    for (const [config, place] of [
      [explosive(validConfig(), 'apiKey'), 'apiKey'],
      [validConfig({ templates: [explosive(template, 'content'), ...templates] }), 'templates[0].content'],
    ]) {
      const error = await caught((await connect(async () => config)).sendMessage(message()));
      assert.ok(isConnectorError(error));
      assert.equal(error.code, 'invalid_config');
      assert.ok(error.message.includes(place), error.message);
    }
  });

  test('a missing getConfig is reported by its name, and does not matter where it is not needed', async () => {
    for (const getConfig of [undefined, null, 5, {}]) {
      const { sendMessage } = await connect(getConfig);
      const error = await caught(sendMessage(message()));
      assert.ok(isConnectorError(error));
      assert.match(error.message, /getConfig/);
      assert.equal((await sendMessage(message(), validConfig())).gateway, gateway.url);
    }
  });

  test('every message is sent with the configuration of its moment', async () => {
    let senderName = 'First';
    const { sendMessage } = await connect(async () => validConfig({ senderName }));
    await sendMessage(message());
    senderName = 'Second';
    await sendMessage(message());
    assert.deepEqual(
      gateway.messages.slice(-2).map(({ sign }) => sign),
      ['First', 'Second'],
    );
  });

  test('one that never answers does not keep anybody waiting, and sends nothing later', async () => {
    gateway.clear();
    let answer;
    const getConfig = () => new Promise((resolve) => (answer = resolve));
    const { sendMessage } = await createConnector({
      getConfig,
      gateways: gateway.url,
      timeoutMs: 20,
    });
    const error = await caught(sendMessage(message()));
    assert.ok(isConnectorError(error));
    assert.match(error.message, /config/i);
    answer(validConfig());
    await connect(async () => validConfig()).then((other) => other.sendMessage(message()));
    assert.equal(gateway.requests.length, 1, 'the second message alone');
  });

  test('no answer of it leaves a timer behind, which would keep the process alive', async () => {
    const timers = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
    const thing = Object.freeze({});
    const explode = () => {
      throw thing;
    };
    for (const getConfig of [
      explode,
      async () => explode(),
      async () => validConfig(),
      async () => ({}),
      () => ({ then: explode }),
      () => Object.defineProperty({}, 'then', { get: explode }),
    ]) {
      const { sendMessage } = await connect(getConfig);
      const running = timers();
      await Promise.allSettled([sendMessage(message())]);
      assert.equal(timers(), running, String(getConfig));
    }
  });
});

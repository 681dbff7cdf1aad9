import assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import { tracingChannel } from 'node:diagnostics_channel';
import { after, afterEach, before, describe, test } from 'node:test';
import { inspect } from 'node:util';
import { refusedPort } from '../faults/environment.mjs';
import { FIXTURE_SECRETS, sample } from '../fixtures/sample.mjs';
import { fixture, run } from '../support/child.mjs';
import createConnector, { sendMessage } from '../support/package.mjs';
import { openGateway, resetGateway } from '../support/setup.mjs';
import { faults } from '../support/testing.mjs';

const channel = tracingChannel('connector-smsaero:send');
const TRACE_KEYS = [
  'number',
  'usageType',
  'testMode',
  'alphabet',
  'parts',
  'gateway',
  'attempts',
  'connectMs',
  'totalMs',
  'outcome',
  'confirmedBy',
  'reason',
  'httpStatus',
  'id',
  'status',
  'cost',
];
const SENT = {
  number: '7999*****67',
  usageType: 'SignIn',
  testMode: false,
  alphabet: 'GSM',
  parts: 1,
};

let gateway;
let closed;
let options;
let subscribed = [];

before(async () => {
  gateway = await openGateway();
  closed = `http://127.0.0.1:${await refusedPort()}`;
  options = { gateways: gateway.url };
});

after(() => gateway.stop());

afterEach(() => {
  for (const subscribers of subscribed) channel.unsubscribe(subscribers);
  subscribed = [];
  resetGateway(gateway);
});

/** Keeps all events of the channel: the name, the context, and a copy of it at that time. */
function listen() {
  const events = [];
  const names = ['start', 'end', 'asyncStart', 'asyncEnd', 'error'];
  const note = (name) => (context) => events.push({ name, context, then: { ...context } });
  const subscribers = Object.fromEntries(names.map((name) => [name, note(name)]));
  channel.subscribe(subscribers);
  subscribed.push(subscribers);
  return events;
}

/** Sends once, traced; the trace, and the context that also holds the result or the error. */
async function traceOf({ data = sample.data, config = sample.config, ...changes } = {}) {
  const events = listen();
  await sendMessage(data, config, { ...options, ...changes }).catch(() => {});
  const [{ context }] = events;
  const { result, error, ...trace } = context;
  return { trace, context, result, error, events };
}

function assertShape(trace) {
  assert.deepEqual(Object.keys(trace), TRACE_KEYS);
  for (const value of Object.values(trace)) assert.notEqual(value, undefined);
  assert.ok(trace.totalMs > 0 && trace.totalMs < 5000, `${trace.totalMs}`);
  if (trace.connectMs !== null) assert.ok(trace.connectMs <= trace.totalMs);
}

function assertNothingSecret(thing) {
  const printed = inspect(thing, {
    showHidden: true,
    depth: Number.POSITIVE_INFINITY,
    getters: true,
  });
  assert.doesNotMatch(printed, FIXTURE_SECRETS);
  assert.doesNotMatch(JSON.stringify(thing), FIXTURE_SECRETS);
}

describe('tracing and the log', () => {
  test('an accepted message', async () => {
    const { trace, result, error, events } = await traceOf();
    assertShape(trace);
    const { connectMs, totalMs, ...rest } = trace;
    const { id, cost } = gateway.messages[0];
    assert.deepEqual(rest, {
      ...SENT,
      gateway: gateway.url,
      attempts: 1,
      outcome: 'accepted',
      confirmedBy: 'reply',
      reason: null,
      httpStatus: null,
      ...{ id, status: result.status, cost },
    });
    assert.equal(typeof connectMs, 'number');
    assert.equal(error, undefined);
    assert.equal(result.id, id);
    assert.deepEqual(
      events.map(({ name }) => name),
      ['start', 'end', 'asyncStart', 'asyncEnd'],
    );
    assertNothingSecret(events);
  });

  test('the context is filled from asyncStart on, and not before', async () => {
    const { events, trace } = await traceOf();
    const then = Object.fromEntries(events.map((event) => [event.name, event.then]));
    assert.deepEqual(then.start, {});
    assert.deepEqual(then.end, {});
    assert.equal(then.asyncStart.outcome, 'accepted');
    assert.deepEqual(Object.keys(then.asyncStart).slice(0, TRACE_KEYS.length), Object.keys(trace));
  });

  test('a refused message', async () => {
    gateway.failNext('noMoney');
    const { trace, error, events } = await traceOf();
    assertShape(trace);
    const { connectMs, totalMs, ...rest } = trace;
    assert.deepEqual(rest, {
      ...SENT,
      gateway: gateway.url,
      attempts: 1,
      outcome: 'refused',
      confirmedBy: 'reply',
      reason: 'no_money',
      httpStatus: 402,
      ...{ id: null, status: null, cost: null },
    });
    assert.equal(error.data.reason, 'no_money');
    assert.deepEqual(
      events.map(({ name }) => name),
      ['start', 'end', 'error', 'asyncStart', 'asyncEnd'],
    );
    assert.equal(events[2].then.outcome, 'refused', 'the context is filled before the error');
    assertNothingSecret(events);
  });

  for (const [fault, reason, httpStatus] of [
    [faults.echo(), 'validation', 400],
    [faults.rateLimited(), 'rate_limited', 429],
    [faults.redirect(), 'bad_response', 307],
    [faults.notJson(), 'bad_response', 200],
    [faults.refused200(), 'rejected', 200],
    [faults.rejected(), 'rejected', 200],
    [faults.unavailable(), 'unavailable', 503],
  ]) {
    test(`a refusal: ${fault.kind}`, async () => {
      gateway.failNext(fault);
      const { trace, events } = await traceOf();
      assertShape(trace);
      assert.deepEqual([trace.outcome, trace.reason, trace.httpStatus], ['refused', reason, httpStatus]);
      assertNothingSecret(events);
    });
  }

  test('a message that could not be sent', async () => {
    const { trace, events } = await traceOf({ gateways: [`${closed}/a`, `${closed}/b`] });
    assertShape(trace);
    const { totalMs, ...rest } = trace;
    assert.deepEqual(rest, {
      ...SENT,
      gateway: `${closed}/b`,
      attempts: 2,
      connectMs: null,
      outcome: 'not_sent',
      confirmedBy: null,
      reason: 'unreachable',
      ...{ httpStatus: null, id: null, status: null, cost: null },
    });
    assertNothingSecret(events);
  });

  test('a message that went by the second gateway', async () => {
    const { trace } = await traceOf({ gateways: [`${closed}/c`, gateway.url] });
    assertShape(trace);
    assert.deepEqual([trace.gateway, trace.attempts, trace.outcome], [gateway.url, 2, 'accepted']);
  });

  test('a message of which nothing is known', async () => {
    gateway.failNext(faults.reset({ accept: true }));
    const { trace, events } = await traceOf();
    assertShape(trace);
    assert.deepEqual([trace.outcome, trace.reason], ['unknown', 'unknown_outcome']);
    assert.deepEqual([trace.httpStatus, trace.id, trace.attempts], [null, null, 1]);
    assertNothingSecret(events);
  });

  test('a message that no reply came for in time', async () => {
    gateway.failNext('silence');
    const { trace } = await traceOf({ timeoutMs: 200 });
    assert.deepEqual([trace.outcome, trace.reason], ['unknown', 'unknown_outcome']);
    assert.ok(trace.totalMs >= 200, `${trace.totalMs}`);
  });

  test('a message that could not be composed', async () => {
    for (const [changes, reason] of [
      [{ data: { ...sample.data, type: 'BindMfa' } }, 'template_not_found'],
      [{ config: { ...sample.config, email: 'no address' } }, 'invalid_config'],
      [{ config: { ...sample.config, allowedPrefixes: '375' } }, 'number_not_allowed'],
      [{ data: { ...sample.data, to: undefined } }, 'validation'],
      [{ data: 5 }, 'validation'],
      [{ data: null }, 'validation'],
    ]) {
      const { trace, events } = await traceOf(changes);
      assert.deepEqual(trace, { outcome: 'not_sent', reason });
      assertNothingSecret(events);
      channel.unsubscribe(subscribed.pop());
    }
    assert.deepEqual(gateway.requests, []);
  });

  test('a test message, in Cyrillic and long', async () => {
    const content = `TEXTSECRET {{code}} ${'\u0434'.repeat(60)}`;
    const templates = sample.config.templates.map((template) => ({ ...template, content }));
    const { trace } = await traceOf({ config: { ...sample.config, templates, testMode: true } });
    assert.deepEqual([trace.testMode, trace.alphabet, trace.parts], [true, 'UCS-2', 2]);
    assert.equal(trace.outcome, 'accepted');
  });

  test('a short number is hidden whole', async () => {
    const { trace } = await traceOf({ data: { ...sample.data, to: '1234567' } });
    assert.equal(trace.number, '*******');
  });

  test('the connector of Logto is traced too', async () => {
    const events = listen();
    const { sendMessage: send } = await createConnector({
      getConfig: async () => sample.config,
      ...options,
    });
    await send(sample.data);
    gateway.failNext('unauthorized');
    await send(sample.data, sample.config).catch(() => {});
    const ends = events.filter(({ name }) => name === 'asyncEnd');
    assert.deepEqual(
      ends.map(({ context }) => context.outcome),
      ['accepted', 'refused'],
    );
    assertNothingSecret(events);
  });

  test('traces of messages in flight at once do not mix', async () => {
    const store = new AsyncLocalStorage();
    const traced = new Map();
    const subscribers = {
      asyncEnd: ({ id }) => traced.set(store.getStore(), id),
    };
    channel.subscribe(subscribers);
    subscribed.push(subscribers);
    const numbers = Array.from({ length: 50 }, (_, index) => `7999${String(index).padStart(7, '0')}`);
    const receipts = await Promise.all(
      numbers.map((to) => store.run(to, () => sendMessage({ ...sample.data, to }, sample.config, options))),
    );
    assert.deepEqual(
      numbers.map((to) => traced.get(to)),
      receipts.map(({ id }) => id),
    );
  });

  test('a subscriber that comes while a message is on its way gets the next one', async () => {
    gateway.failNext(faults.slow({ delayMs: 50 }));
    const first = sendMessage(sample.data, sample.config, options);
    const events = listen();
    await first;
    assert.deepEqual(events, []);
    await sendMessage(sample.data, sample.config, options);
    assert.equal(events.at(-1).context.outcome, 'accepted');
  });

  test('a subscriber that leaves while a message is on its way does it no harm', async () => {
    const events = listen();
    gateway.failNext(faults.slow({ delayMs: 50 }));
    const first = sendMessage(sample.data, sample.config, options);
    channel.unsubscribe(subscribed.pop());
    await first;
    assert.ok(events.every(({ name }) => name === 'start' || name === 'end'));
  });

  /** Runs a program of the fixture with this NODE_DEBUG. */
  const logged = (program, NODE_DEBUG) =>
    run(fixture('trace'), { input: options, args: [program], env: { NODE_DEBUG } });

  test('NODE_DEBUG=smsaero prints one masked line a send', async () => {
    gateway.failNext([null, 'ipNotAllowed']);
    const { stdout, stderr } = await logged('twoAndOneWithoutTemplate', 'smsaero');
    assert.equal(stdout, '');
    assert.doesNotMatch(stderr, FIXTURE_SECRETS);
    const [accepted, refused, uncomposed, ...rest] = stderr.trimEnd().split('\n');
    assert.deepEqual(rest, []);
    const at = gateway.url.replaceAll('.', '\\.');
    const { id, cost } = gateway.messages[0];
    const time = `by ${at} in [\\d.]+ ms, 1 x GSM$`;
    const start = '^SMSAERO \\d+: SignIn to 7999\\*{5}67:';
    assert.match(accepted, new RegExp(`${start} accepted \\(id ${id}, status \\d, cost ${cost}\\) ${time}`));
    assert.match(refused, new RegExp(`${start} refused \\(ip_not_allowed, HTTP 404\\) ${time}`));
    assert.match(uncomposed, /^SMSAERO \d+: not_sent \(template_not_found\)$/);
  });

  test('another NODE_DEBUG, and none, print nothing', async () => {
    for (const NODE_DEBUG of ['', 'smsaero-not', 'http-not']) {
      const { stdout, stderr } = await logged('twoAndOneWithoutTemplate', NODE_DEBUG);
      assert.deepEqual([stdout, stderr], ['', '']);
    }
  });

  test('a subscriber that freezes the context keeps no message from being settled', async () => {
    const freeze = (context) => Object.freeze(context);
    const subscribers = { start: freeze };
    channel.subscribe(subscribers);
    subscribed.push(subscribers);
    gateway.failNext([null, 'noMoney']);
    const sends = Array.from({ length: 20 }, () => sendMessage(sample.data, sample.config, options));
    const outcomes = await Promise.allSettled(sends);
    const refused = outcomes.filter(({ status }) => status === 'rejected');
    assert.deepEqual(
      refused.map(({ reason }) => reason.data.reason),
      ['no_money'],
    );
  });

  test('a frozen context and a broken log end no process, and lose no batch', async () => {
    const { stdout } = await logged('frozenContextAndBrokenLog', '');
    assert.equal(JSON.parse(stdout), 40);
  });

  test('the time that getConfig takes is in the trace', async () => {
    const events = listen();
    const getConfig = () => new Promise((resolve) => setTimeout(resolve, 20, sample.config));
    const { sendMessage: send } = await createConnector({ getConfig, ...options });
    await send(sample.data);
    const { context } = events.at(-1);
    assert.equal(context.outcome, 'accepted');
    assert.ok(context.configMs >= 19 && context.configMs <= context.totalMs, `${context.configMs}`);
  });

  test('a getConfig that fails or never answers is in the trace', async () => {
    const thrown = Object.assign(new Error('the database is gone'), { code: 'ECONNREFUSED' });
    for (const [getConfig, changes, reason] of [
      [() => Promise.reject(thrown), {}, 'ECONNREFUSED'],
      [() => new Promise(() => {}), { timeoutMs: 30 }, 'timeout'],
    ]) {
      const events = listen();
      const { sendMessage: send } = await createConnector({ getConfig, ...options, ...changes });
      await assert.rejects(send(sample.data));
      assert.deepEqual(
        events.map(({ name }) => name),
        ['start', 'end', 'error', 'asyncStart', 'asyncEnd'],
      );
      const { outcome, reason: seen, configMs } = events.at(-1).context;
      assert.deepEqual([outcome, seen, typeof configMs], ['not_sent', reason, 'number']);
      channel.unsubscribe(subscribed.pop());
    }
  });

  test('NODE_DEBUG=smsaero says how long getConfig took, and that it failed', async () => {
    const { stderr } = await logged('getConfig', 'smsaero');
    assert.doesNotMatch(stderr, FIXTURE_SECRETS);
    const [sent, failed, overdue, ...rest] = stderr.trimEnd().split('\n');
    assert.deepEqual(rest, []);
    assert.match(sent, /accepted .*, getConfig took [\d.]+ ms$/);
    assert.match(failed, /: not_sent \(getConfig failed\), getConfig took [\d.]+ ms$/);
    assert.match(overdue, /: not_sent \(timeout\), getConfig took [\d.]+ ms$/);
  });
});

import assert from 'node:assert/strict';
import { tracingChannel } from 'node:diagnostics_channel';
import { after, before, beforeEach, describe, test } from 'node:test';

import { caught } from '../support/caught.mjs';
import { validConfig } from '../support/configs.mjs';
import { sendMessage } from '../support/package.mjs';
import { message, openGateway, sentTo } from '../support/setup.mjs';
import { faults } from '../support/testing.mjs';

const TIMEOUT_MS = 1600;

// What loses the reply of a message, and the reason when nobody finds out.
const LOST = {
  silence: [(accept) => faults.silence({ accept }), 'unknown_outcome'],
  reset: [(accept) => faults.reset({ accept }), 'unknown_outcome'],
  halfReply: [(accept) => faults.halfReply({ accept }), 'unknown_outcome'],
  garbage: [(accept) => faults.garbage({ accept }), 'unknown_outcome'],
  notJson: [(accept) => faults.notJson({ accept }), 'bad_response'],
  empty: [(accept) => faults.empty({ accept }), 'bad_response'],
  hugeBody: [(accept) => faults.hugeBody({ accept }), 'bad_response'],
  unavailable: [(accept) => faults.unavailable({ accept }), 'unavailable'],
  timeOut: [(accept) => faults.reply({ status: 408, body: 'late', accept }), 'unavailable'],
};

let gateway;

before(async () => {
  gateway = await openGateway();
});

after(() => gateway.stop());

beforeEach(() => gateway.reset());

// Each with a code of its own, since the list proves nothing for a message that was sent a moment ago as well.
let lastCode = 100_000;
const freshMessage = (changes) => {
  lastCode += 1;
  return message({ payload: { code: `${lastCode}` }, ...changes });
};
const send = (changes, config = validConfig()) =>
  sendMessage(freshMessage(changes), config, { gateways: gateway.url, timeoutMs: TIMEOUT_MS });
const reasonOf = async (sending) => (await caught(sending)).data.reason;
const listed = () => gateway.requests.filter(({ path }) => path.endsWith('list'));

describe('a message whose reply was lost', () => {
  for (const [name, [fault]] of Object.entries(LOST)) {
    test(`counts as sent when the list has it: ${name}`, async () => {
      gateway.failNext(fault(true));
      const receipt = await send();
      const [{ id, cost }] = gateway.messages;
      assert.deepEqual([receipt.id, receipt.cost, receipt.gateway], [id, cost, gateway.url]);
      assert.equal(sentTo(gateway), 1, 'nothing is sent twice');
    });
  }

  test('keeps its outcome when the list does not have it', async (t) => {
    const sends = Object.values(LOST).map(async ([fault, reason], place) => {
      const other = await openGateway();
      t.after(() => other.stop());
      other.respondToList(null);
      other.failNext(fault(false));
      const options = { gateways: other.url, timeoutMs: TIMEOUT_MS };
      assert.equal(
        await reasonOf(sendMessage(freshMessage(), validConfig(), options)),
        reason,
        Object.keys(LOST)[place],
      );
      assert.equal(sentTo(other), 1);
      assert.ok(other.requests.length > 2, 'the list was asked, and asked again');
    });
    await Promise.all(sends);
  });

  test('keeps its outcome when there is no list', async (t) => {
    const row = (changes) => {
      const { id, number, text } = { id: 1, number: 79001234567, text: 'The code is 482913', ...changes };
      return { id, number, text, status: 1, dateCreate: Math.floor(Date.now() / 1000), ...changes };
    };
    const page = (rows) => faults.reply({ body: { success: true, data: { ...rows }, message: null } });
    const lists = [
      ...['ipNotAllowed', 'unauthorized', 'rateLimited', 'unavailable', 'silence', 'reset', 'garbage', 'notJson'],
      ...['empty', 'refused200', 'redirect'],
      faults.hugeBody({ bytes: 4 << 20 }),
      { lagMs: 60_000 },
      page([row({ number: 79001234568 }), row({ text: 'The code is 482914' }), row({ text: null }), null, 7]),
      page([row({ dateCreate: 1_700_000_000 }), row({ dateCreate: null }), row({ id: null })]),
      faults.reply({ body: { success: true, data: 'none' } }),
    ];
    const sends = lists.map(async (list) => {
      const other = await openGateway();
      t.after(() => other.stop());
      other.respondToList(list === 'empty' ? faults.empty() : list);
      other.failNext(faults.reset({ accept: true }));
      const options = { gateways: other.url, timeoutMs: TIMEOUT_MS };
      const error = await caught(sendMessage(freshMessage(), validConfig(), options));
      assert.equal(error.data.reason, 'unknown_outcome', JSON.stringify(list));
      assert.equal(sentTo(other), 1);
    });
    await Promise.all(sends);
  });

  test('counts as sent when the list has it a little later', async () => {
    gateway.respondToList({ lagMs: 700 });
    gateway.failNext(faults.reset({ accept: true }));
    assert.equal((await send()).id, gateway.messages[0].id);
  });

  test('is refused when the list says that it was rejected', async () => {
    gateway.failNext(faults.reset({ accept: true }));
    const forget = gateway.onMessage((taken) => gateway.advance(taken, 'rejected'));
    const error = await caught(send());
    forget();
    assert.equal(error.code, 'general');
    assert.deepEqual([error.data.reason, error.data.status], ['rejected', undefined]);
  });

  test('is looked for by number and text alone, in test mode among test messages', async () => {
    gateway.failNext(faults.reset({ accept: true }));
    await send({}, { ...validConfig(), testMode: true });
    const [{ path, body, method, headers }] = listed();
    const [asked, sent] = [JSON.parse(body), JSON.parse(gateway.requests[0].body)];
    assert.deepEqual([method, path], ['POST', '/v2/sms/testlist']);
    assert.deepEqual(asked, { number: sent.number, text: sent.text });
    assert.equal(headers.authorization, gateway.requests[0].headers.authorization);
  });

  test('is looked for at another gateway first', async (t) => {
    const other = await openGateway();
    t.after(() => other.stop());
    other.respondToList(null);
    gateway.failNext(faults.reset());
    const options = { gateways: [gateway.url, other.url], timeoutMs: TIMEOUT_MS };
    assert.equal(await reasonOf(sendMessage(freshMessage(), validConfig(), options)), 'unknown_outcome');
    assert.ok(other.requests.length > 0 && other.requests.every(({ path }) => path === '/v2/sms/list'));
    assert.equal(listed().length, 0);
  });

  test('is not looked for when its reply tells', async () => {
    gateway.failNext([null, 'noMoney', 'rejected', 'refused200', 'rateLimited', faults.slow({ delayMs: 200 })]);
    for (let left = 6; left > 0; left -= 1) await send().catch(() => {});
    assert.equal(sentTo(gateway), 6);
    assert.deepEqual(listed(), []);
  });

  test('at most sixteen are looked for at a time', async () => {
    let [open, most] = [0, 0];
    gateway.respondToList(async () => {
      open += 1;
      most = Math.max(most, open);
      await new Promise((resolve) => setTimeout(resolve, 100));
      open -= 1;
    });
    gateway.respondWith(faults.reset({ accept: true }));
    const numbers = Array.from({ length: 60 }, (_, place) => `790012345${String(place).padStart(2, '0')}`);
    const outcomes = await Promise.allSettled(numbers.map((to) => send({ to })));
    assert.ok(most > 1 && most <= 16, `${most}`);
    const sent = outcomes.filter(({ status }) => status === 'fulfilled');
    assert.ok(sent.length >= 16, `${sent.length}`);
    assert.equal(sentTo(gateway), numbers.length);
  });

  test('has a trace that says what confirmed it', async () => {
    const channel = tracingChannel('connector-smsaero:send');
    const traces = [];
    const subscribers = { asyncEnd: ({ outcome, confirmedBy, id }) => traces.push({ outcome, confirmedBy, id }) };
    channel.subscribe(subscribers);
    gateway.failNext([faults.reset({ accept: true }), null, faults.reset()]);
    await send({ to: '79001234501' });
    await send({ to: '79001234502' });
    gateway.respondToList('ipNotAllowed');
    await send({ to: '79001234503' }).catch(() => {});
    channel.unsubscribe(subscribers);
    const [first, second] = gateway.messages;
    assert.deepEqual(traces, [
      { outcome: 'accepted', confirmedBy: 'list', id: first.id },
      { outcome: 'accepted', confirmedBy: 'reply', id: second.id },
      { outcome: 'unknown', confirmedBy: null, id: null },
    ]);
  });
});

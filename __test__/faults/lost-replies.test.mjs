// Which messages count as sent although their reply was lost, and how often SMS Aero's list is asked for it.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { outcomeOf } from '../support/caught.mjs';
import { validConfig } from '../support/configs.mjs';
import { sendMessage, sendText } from '../support/package.mjs';
import { acceptance, head, listOf, refusal, reply, startScripted, until } from '../support/scripted.mjs';
import { accepted, NUMBER } from '../support/setup.mjs';
import { refusedPort } from './environment.mjs';

const ACCOUNT = { email: 'owner@example.com', apiKey: 'key-of-the-account', senderName: 'Shop' };
const ID = 91;
const DAY_SECONDS = 86_400;
// Half of the default: an outcome that is known sooner does not depend on how busy the machine is.
const EARLY_MS = 4000;
// Enough for an outcome that stays unknown until the deadline.
const SHORT = { timeoutMs: 1500 };
// As many as may ask at a time.
const QUESTIONS = 16;

const seconds = (ahead = 0) => Math.floor(Date.now() / 1000) + ahead;
const date = (ahead = 0) => `date: ${new Date(Date.now() + ahead * 1000).toUTCString()}`;
const lose = (socket) => socket.destroy();
const keepSilent = () => {};

let last = 0;
const freshMessage = () => {
  last += 1;
  return { to: NUMBER, text: `Parcel ${last} is here.` };
};
const rowOf = ({ to, text }, changes) => ({
  id: ID,
  number: Number(to),
  text,
  status: 0,
  dateCreate: seconds(),
  ...changes,
});
const listWith =
  (message, ...changes) =>
  () =>
    listOf(changes.map((change) => rowOf(message, change)));
const send = (message, { url }, options = {}, account = {}) =>
  outcomeOf(sendText(message, { ...ACCOUNT, ...account }, { gateways: url, ...options }));

describe('a lost reply', { concurrency: true }, () => {
  describe('of a row in the list', { concurrency: true }, () => {
    const check = (name, expected, listed) =>
      test(`${name} ${{ [ID]: 'is proof', unknown_outcome: 'is no proof' }[expected] ?? 'is a refusal'}`, async (t) => {
        const message = freshMessage();
        const list = () => {
          const { rows, headers = [] } = listed(message);
          return listOf(rows, ...headers);
        };
        const gateway = await startScripted(t, { send: lose, list });
        assert.equal(await send(message, gateway, expected === 'unknown_outcome' ? SHORT : {}), expected);
        assert.equal(gateway.count('send'), 1, 'nothing is sent twice');
      });
    const rows =
      (...changes) =>
      (message) => ({ rows: changes.map((change) => rowOf(message, change)) });

    check('the message itself', ID, rows({}));
    check('its values in quotes', ID, (message) => ({
      rows: [rowOf(message, { id: `${ID}`, number: `+${message.to}`, status: '0', dateCreate: `${seconds()}` })],
    }));
    check('the same row a hundred times', ID, rows(...Array(100).fill({})));
    check('a row beside what is none', ID, (message) => ({ rows: [null, 7, 'row', {}, [], rowOf(message)] }));
    check('a row beside an older one and one of another text', ID, (message) =>
      rows({ id: 90, dateCreate: seconds(-DAY_SECONDS) }, { id: 89, text: 'no' }, {})(message),
    );
    for (const apart of [-2, 2]) {
      check(`a time ${apart} seconds off`, ID, (message) => rows({ dateCreate: seconds(apart) })(message));
    }
    for (const apart of [-20, 20]) {
      check(`a time by a clock ${apart} seconds off`, ID, (message) => ({
        rows: [rowOf(message, { dateCreate: seconds(apart) })],
        headers: [date(apart)],
      }));
      check(
        `a time by this machine's clock where the gateway's is ${apart} seconds off`,
        'unknown_outcome',
        (message) => ({
          rows: [rowOf(message)],
          headers: [date(apart)],
        }),
      );
    }
    for (const apart of [-45, 45, -DAY_SECONDS]) {
      check(`a time by a clock ${apart} seconds off`, 'unknown_outcome', (message) => ({
        rows: [rowOf(message, { dateCreate: seconds(apart) })],
        headers: [date(apart)],
      }));
    }
    for (const [name, ...headers] of [
      ['no date', 'x-date: none'],
      ['a date that is none', 'date: yesterday'],
      ['two dates, the first one wrong', date(-DAY_SECONDS), date()],
      ['two dates, the second one wrong', date(), date(-DAY_SECONDS)],
    ]) {
      check(`a row under ${name}`, 'unknown_outcome', (message) => ({ rows: [rowOf(message)], headers }));
    }
    for (const [name, ...changes] of [
      ['another number', { number: 79001234568 }],
      ['its beginning', { number: 7900123456 }],
      ['another text', { text: 'Parcel 0 is here.' }],
      ['no text', { text: null }],
      ['no time', { dateCreate: undefined }],
      ['null for a time', { dateCreate: null }],
      ['a time that is no number', { dateCreate: 'today' }],
      ['no id', { id: null }],
      ['a negative id', { id: -1 }],
      ['an id beyond 64 bits', { id: 1e25 }],
      ['two messages that would do', {}, { id: ID + 1 }],
      ['two messages that would do, one rejected', {}, { id: ID + 1, status: 6 }],
    ]) {
      check(name, 'unknown_outcome', rows(...changes));
    }
    for (const [name, time] of [
      ['an earlier time', () => seconds(-10)],
      ['a later time', () => seconds(10)],
      ["tomorrow's time", () => seconds(DAY_SECONDS)],
      ['a time in milliseconds', () => Date.now()],
      ['an old time in milliseconds', () => Date.now() - 3_600_000],
      ['the end of time', () => Number.MAX_SAFE_INTEGER],
    ]) {
      check(name, 'unknown_outcome', (message) => rows({ dateCreate: time() })(message));
    }
    for (const status of [2, 6, '6']) {
      check(`the status ${JSON.stringify(status)}`, 'rejected', rows({ status }));
    }

    for (const [name, apart, expected] of [
      ['is proof when its list comes slowly', 0, ID],
      ['that is too old is no proof when its list comes slowly', -7, 'unknown_outcome'],
      ['of the time when a slow list was read is no proof', 7, 'unknown_outcome'],
    ]) {
      test(`a row ${name}`, async (t) => {
        const message = freshMessage();
        const dateCreate = seconds(apart);
        const list = async (socket) => {
          const [start, body] = listOf([rowOf(message, { dateCreate })]).split('\r\n\r\n');
          socket.write(`${start}\r\n\r\n`);
          // So slow that the time until its end would make the row seem one of this send's.
          for (let part = 0; part < 10; part += 1) {
            socket.write(body.slice((part * body.length) / 10, ((part + 1) * body.length) / 10));
            await sleep(600);
          }
        };
        const gateway = await startScripted(t, { send: lose, list });
        assert.equal(await send(message, gateway), expected);
      });
    }

    test('a page of nine thousand older rows is no proof, and holds up nobody', async (t) => {
      const message = freshMessage();
      const changes = Array.from({ length: 9000 }, (_, id) => ({ id: id + 1, dateCreate: seconds(-1000) }));
      const gateway = await startScripted(t, { send: lose, list: listWith(message, ...changes) });
      const good = await startScripted(t);
      let isSettled = false;
      const sending = send(message, gateway, { timeoutMs: 3000 }).finally(() => {
        isSettled = true;
      });
      await until(() => gateway.count('list') > 0);
      for (let round = 0; round < 5; round += 1) assert.equal(await send(freshMessage(), good), 17);
      assert.ok(!isSettled, 'the others did not wait for it');
      assert.equal(await sending, 'unknown_outcome');
    });
  });

  describe('of one of two sends of the same number and text', { concurrency: true }, () => {
    const twoRows = (message) => listWith(message, {}, { id: ID + 1 });
    const oneRow = (message) => listWith(message, {});

    for (const [name, account] of [
      ['by the same account', {}],
      ['by an account in other letters', { email: 'Owner@Example.COM' }],
      ['by another account', { email: 'other@example.com', apiKey: 'key-of-the-other' }],
      ['under another sender name', { senderName: 'Other' }],
      ['in test mode', { testMode: true }],
    ]) {
      for (const [number, list] of Object.entries({ 'one row': oneRow, 'two rows': twoRows })) {
        test(`${name}, both in flight, stays unknown: ${number}`, async (t) => {
          const message = freshMessage();
          const elsewhere = await startScripted(t, { send: keepSilent, list: list(message) });
          const gateway = await startScripted(t, { send: lose, list: list(message) });
          const twin = send(message, elsewhere, { timeoutMs: 2500 }, account);
          await until(() => elsewhere.count('send') === 1);
          assert.equal(await send(message, gateway, SHORT), 'unknown_outcome');
          assert.equal(await twin, 'unknown_outcome');
          assert.equal(gateway.count('list') + elsewhere.count('list'), 0, 'nothing that it says would be proof');
        });
      }
    }

    test('of one gateway, begun together, stays unknown', async (t) => {
      const message = freshMessage();
      const gateway = await startScripted(t, { send: lose, list: twoRows(message) });
      const sends = [1, 2, 3].map(() => send(message, gateway, SHORT));
      assert.deepEqual(await Promise.all(sends), Array(3).fill('unknown_outcome'));
    });

    test('of which one was made from a template stays unknown', async (t) => {
      const config = validConfig();
      const message = { to: NUMBER, text: 'SignIn: 737373' };
      const gateway = await startScripted(t, { send: lose, list: twoRows(message) });
      const options = { gateways: gateway.url, ...SHORT };
      const data = { to: NUMBER, type: 'SignIn', payload: { code: '737373' } };
      const outcomes = await Promise.all([
        outcomeOf(sendMessage(data, config, options)),
        send(message, gateway, SHORT),
      ]);
      assert.deepEqual(outcomes, ['unknown_outcome', 'unknown_outcome']);
    });

    test('stays unknown when the other one begins while the list is asked', async (t) => {
      const message = freshMessage();
      const elsewhere = await startScripted(t, { send: keepSilent });
      let twin;
      const list = async () => {
        twin ??= send(message, elsewhere, SHORT);
        await until(() => elsewhere.count('send') === 1);
        return oneRow(message)();
      };
      const gateway = await startScripted(t, { send: lose, list });
      assert.equal(await send(message, gateway, SHORT), 'unknown_outcome');
      assert.equal(await twin, 'unknown_outcome');
    });

    test('is found when the other one, begun meanwhile, is plainly refused', async (t) => {
      const message = freshMessage();
      const elsewhere = await startScripted(t, { send: () => refusal(402) });
      const list = async () => {
        assert.equal(await send(message, elsewhere), 'no_money');
        return oneRow(message)();
      };
      const gateway = await startScripted(t, { send: lose, list });
      assert.equal(await send(message, gateway), ID);
    });

    // What may have left a row, and what cannot.
    const taken = reply(200, accepted({ id: ID, status: 6 }));
    for (const [name, play, first, second] of [
      ['has ended unknown', { send: lose }, 'unknown_outcome', 'unknown_outcome'],
      ['was accepted', {}, 17, 'unknown_outcome'],
      ['was found in the list', { send: lose, list: oneRow }, ID, 'unknown_outcome'],
      ['could not be read', { send: () => reply(200, 'Welcome') }, 'bad_response', 'unknown_outcome'],
      ['was answered with 503', { send: () => reply(503, '') }, 'unavailable', 'unknown_outcome'],
      ['was taken and rejected', { send: () => taken }, 'rejected', 'unknown_outcome'],
      ['was refused for want of money', { send: () => refusal(402) }, 'no_money', ID],
      ['was refused for its key', { send: () => refusal(401) }, 'unauthorized', ID],
      ['was refused as invalid', { send: () => refusal(400) }, 'validation', ID],
      ['was refused as one too many', { send: () => refusal(429) }, 'rate_limited', ID],
      ['could not be sent', null, 'unreachable', ID],
    ]) {
      test(`is ${second === ID ? 'found' : 'not looked for'} after one that ${name}`, async (t) => {
        const message = freshMessage();
        const list = play?.list?.(message);
        const earlier = play
          ? await startScripted(t, { ...play, list })
          : { url: `http://127.0.0.1:${await refusedPort()}` };
        assert.equal(await send(message, earlier), first);
        const gateway = await startScripted(t, { send: lose, list: oneRow(message) });
        assert.equal(await send(message, gateway, second === ID ? {} : SHORT), second);
        if (second !== ID) assert.equal(gateway.count('list'), 0);
      });
    }

    for (const [name, earlier, pauseMs, expected] of [
      ['is not looked for six seconds after the other one was accepted', {}, 6000, 'unknown_outcome'],
      ['is found eleven seconds after the other one was accepted', {}, 11_000, ID],
      ['is found eleven seconds after the other one was lost', { send: lose }, 11_000, ID],
      [
        'is not looked for five seconds after the end of one that took nine',
        { send: keepSilent },
        5000,
        'unknown_outcome',
      ],
    ]) {
      test(name, async (t) => {
        const message = freshMessage();
        await send(message, await startScripted(t, earlier), { timeoutMs: 9000 });
        await sleep(pauseMs);
        const gateway = await startScripted(t, { send: lose, list: oneRow(message) });
        assert.equal(await send(message, gateway, expected === ID ? {} : SHORT), expected);
      });
    }
  });

  describe('of a message that is alone: the list', { concurrency: true }, () => {
    for (const status of [500, 502, 503, 504, 408]) {
      test(`is asked twice after HTTP ${status}, which then stands`, async (t) => {
        const gateway = await startScripted(t, { send: () => reply(status, '<html>'), list: () => listOf([]) });
        const started = Date.now();
        assert.equal(await send(freshMessage(), gateway), 'unavailable');
        assert.ok(Date.now() - started < EARLY_MS, `after ${Date.now() - started} ms`);
        assert.equal(gateway.count('list'), 2);
      });

      for (const question of [1, 2]) {
        test(`may have the message of HTTP ${status} at question ${question}`, async (t) => {
          const message = freshMessage();
          const row = rowOf(message);
          const list = () => listOf(gateway.count('list') < question ? [] : [row]);
          const gateway = await startScripted(t, { send: () => reply(status, ''), list });
          assert.equal(await send(message, gateway), ID);
          assert.equal(gateway.count('list'), question);
        });
      }
    }

    const LOST = {
      'a lost connection': lose,
      'a reply that breaks off': (socket) => socket.end(`${head(200, 'content-length: 400')}{"success":true,`),
      'no HTTP': (socket) => socket.end('what?\r\n\r\n'),
      'a page of HTML': () => reply(200, '<html>'),
      'no body': () => reply(200, ''),
      silence: keepSilent,
    };
    for (const [name, play] of Object.entries(LOST)) {
      const expected = ['a page of HTML', 'no body'].includes(name) ? 'bad_response' : 'unknown_outcome';

      test(`is asked until the deadline after ${name}`, async (t) => {
        const gateway = await startScripted(t, { send: play, list: () => listOf([]) });
        assert.equal(await send(freshMessage(), gateway, { timeoutMs: 3500 }), expected);
        assert.ok(gateway.count('list') >= (play === keepSilent ? 2 : 3), `${gateway.count('list')} questions`);
        const asked = gateway.count('list');
        await sleep(1500);
        assert.equal(gateway.count('list'), asked, 'nobody asks for a message that is settled');
      });

      test(`may have the message at the third question after ${name}`, async (t) => {
        const message = freshMessage();
        const row = rowOf(message);
        const list = () => [reply(503, ''), listOf([]), listOf([row])][gateway.count('list') - 1];
        const gateway = await startScripted(t, { send: play, list });
        assert.equal(await send(message, gateway), ID);
        assert.equal(gateway.count('list'), 3);
      });

      for (const status of [401, 403, 404]) {
        test(`is asked once after ${name} when it refuses with ${status}`, async (t) => {
          const gateway = await startScripted(t, { send: play, list: () => refusal(status) });
          const started = Date.now();
          assert.equal(await send(freshMessage(), gateway, { timeoutMs: play === keepSilent ? 2000 : 8000 }), expected);
          assert.ok(Date.now() - started < EARLY_MS, `after ${Date.now() - started} ms`);
          assert.equal(gateway.count('list'), 1);
        });
      }
    }

    test('does not take the place of a reply that is only late', async (t) => {
      const late = (socket) => void until(() => gateway.count('list') === 1).then(() => socket.write(acceptance()));
      const gateway = await startScripted(t, { send: late });
      assert.equal(await send(freshMessage(), gateway, { timeoutMs: 2500 }), 17);
    });
  });
});

describe('the list, for three hundred lost replies', () => {
  const texts = Array.from({ length: 300 }, freshMessage);
  /** A list that takes a moment, and how many of its questions were open at most. */
  const slowly = (answer) => {
    const seen = { most: 0 };
    const open = new Set();
    const list = async (socket, { body }) => {
      open.add(socket);
      // At the deadline one is given up, and another one may come before its end is read.
      socket.once('end', () => open.delete(socket));
      setImmediate(() => {
        seen.most = Math.max(seen.most, open.size);
      });
      await sleep(30);
      open.delete(socket);
      return answer(JSON.parse(body));
    };
    return { seen, list };
  };

  test('has them all, by sixteen questions at a time', async (t) => {
    const rows = new Map();
    const { seen, list } = slowly(({ text }) => listOf([rows.get(text)]));
    const keep = (socket, { body }) => {
      const { number, text } = JSON.parse(body);
      rows.set(text, rowOf({ to: number, text }));
      socket.destroy();
    };
    const gateway = await startScripted(t, { send: keep, list });
    const outcomes = await Promise.all(texts.map((message) => send(message, gateway)));
    assert.deepEqual(new Set(outcomes), new Set([ID]));
    assert.equal(gateway.count('list'), texts.length);
    assert.ok(seen.most <= QUESTIONS, `${seen.most} at a time`);
  });

  test('is asked until the deadline, by sixteen questions at a time and none afterwards', async (t) => {
    const { seen, list } = slowly(() => listOf([]));
    const gateway = await startScripted(t, { send: lose, list });
    const messages = texts.map(({ to, text }) => ({ to: `${to}0`, text }));
    const outcomes = await Promise.all(messages.map((message) => send(message, gateway, { timeoutMs: 2500 })));
    assert.deepEqual(new Set(outcomes), new Set(['unknown_outcome']));
    assert.ok(seen.most <= QUESTIONS, `${seen.most} at a time`);
    const asked = gateway.count('list');
    await sleep(1500);
    // Those that were on their way have arrived by now.
    assert.ok(gateway.count('list') - asked <= QUESTIONS, `${gateway.count('list') - asked} afterwards`);
  });

  test('is not asked after HTTP 503 while sixteen questions are open', async (t) => {
    const isTold = () => settled >= texts.length - QUESTIONS;
    let settled = 0;
    let isTimely = true;
    const list = async () => {
      // Nobody gets an answer before those without a question are told.
      await Promise.race([until(isTold), sleep(EARLY_MS, null, { ref: false })]);
      isTimely &&= isTold();
      return listOf([]);
    };
    const gateway = await startScripted(t, { send: () => reply(503, ''), list });
    const messages = texts.map(({ to, text }) => ({ to: `${to}1`, text }));
    const sends = messages.map((message) => send(message, gateway).finally(() => (settled += 1)));
    assert.deepEqual(new Set(await Promise.all(sends)), new Set(['unavailable']));
    assert.ok(isTimely, 'some waited for a question');
  });
});

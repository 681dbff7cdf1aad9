import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { validConfig } from '../support/configs.mjs';
import { sendMessage } from '../support/package.mjs';
import { openGateway } from '../support/setup.mjs';
import { faults } from '../support/testing.mjs';

const SENDS = 10_000;
// Fewer than there may be connections, so that none has to wait for one.
const LANES = 150;
const TIMEOUT_MS = 3000;
// The machine may be busy; a send that is late by seconds hangs.
const SLACK_MS = 2000;

// Small, and the same on every machine and in every run.
let seed = 20_261_127;
const random = (below) => {
  seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
  return Math.floor((seed / 2 ** 32) * below);
};
const pick = (list) => list[random(list.length)];

const LOST = [
  (accept) => faults.silence({ accept }),
  (accept) => faults.reset({ accept }),
  (accept) => faults.halfReply({ accept }),
  (accept) => faults.garbage({ accept }),
  (accept) => faults.wrongLength({ accept, by: -9 }),
  (accept) => faults.notJson({ accept }),
  (accept) => faults.empty({ accept }),
  (accept) => faults.hugeBody({ accept, bytes: 100_000 }),
  (accept) => faults.unavailable({ accept }),
  (accept) => faults.reply({ status: 500, body: 'no', accept }),
];

const now = () => Math.floor(Date.now() / 1000);
const lie = ({ body }) => {
  const { number, text } = JSON.parse(body);
  const row = { id: 900_000_000 + random(1e6), number: Number(number), text, status: 0, dateCreate: now() };
  const lies = [{ number: Number(number) + 1 }, { text: `${text} ` }, { dateCreate: now() - 60 }, { id: null }];
  return faults.reply({ body: { success: true, data: { 0: { ...row, ...pick(lies) }, totalCount: '1' } } });
};
const LISTS = {
  honest: null,
  late: { lagMs: 500 },
  'too late': { lagMs: 60_000 },
  lying: lie,
  down: 'unavailable',
};

describe('10,000 messages, of which many lose their reply', () => {
  for (const [index, [name, list]] of Object.entries(LISTS).entries()) {
    test(`a list that is ${name}`, async (t) => {
      const gateway = await openGateway();
      t.after(() => gateway.stop());
      gateway.respondToList(list);
      // The gateway does with each message what is written for it, by number and text.
      const plans = new Map();
      gateway.respondWith(({ number, text }) => plans.get(`${number} ${text}`)?.shift() ?? null);
      const tally = { confirmed: 0, unknown: 0, refused: 0, replied: 0 };
      const ids = new Set();
      let left = SENDS / Object.keys(LISTS).length;

      const sendOne = async (place, twins) => {
        const to = `79${String(place).padStart(9, '0')}`;
        // Another one for each list: the same text to the same number a moment ago is a twin.
        const code = String(100_000 * (index + 1) + place);
        const plan = twins.map(() => (random(2) === 0 ? null : pick(LOST)(random(2) === 0)));
        const config = validConfig();
        const data = { to, type: 'SignIn', payload: { code } };
        const text = config.templates.find(({ usageType }) => usageType === 'SignIn').content.replace('{{code}}', code);
        plans.set(`${to} ${text}`, [...plan]);
        const started = Date.now();
        const sends = twins.map(() => sendMessage(data, config, { gateways: gateway.url, timeoutMs: TIMEOUT_MS }));
        const outcomes = await Promise.allSettled(sends);
        assert.ok(Date.now() - started < TIMEOUT_MS + SLACK_MS, `${Date.now() - started} ms`);
        const taken = gateway.messages.filter(({ number }) => number === to);
        const sent = outcomes.filter(({ status }) => status === 'fulfilled').map(({ value }) => value.id);
        for (const id of sent) {
          assert.ok(
            taken.some((one) => one.id === id && one.text === text),
            'only what was taken counts as sent',
          );
          assert.ok(!ids.has(id), 'no two sends share a row');
          ids.add(id);
        }
        const inDoubt = plan.filter((fault) => fault !== null);
        const takenInDoubt = inDoubt.filter(({ accept }) => accept).length;
        const replied = plan.length - inDoubt.length;
        assert.equal(taken.length, replied + takenInDoubt, 'each is sent once');
        assert.ok(sent.length >= replied, 'a reply is believed');
        // Only a message that is alone is looked for.
        const isProvable = ['honest', 'late'].includes(name) && plan.length === 1;
        const found = sent.length - replied;
        assert.ok(found <= (isProvable ? takenInDoubt : 0), JSON.stringify(plan));
        tally.replied += replied;
        tally.confirmed += sent.length - replied;
        for (const { reason } of outcomes.filter(({ status }) => status === 'rejected')) {
          const known = ['unknown_outcome', 'bad_response', 'unavailable'];
          assert.ok(known.includes(reason.data?.reason), String(reason));
          tally[reason.data.reason === 'unknown_outcome' ? 'unknown' : 'refused'] += 1;
        }
        plans.delete(`${to} ${text}`);
      };
      const lane = async () => {
        while (left > 0) {
          const twins = Array.from({ length: random(10) === 0 ? 2 : 1 }, () => 0);
          left -= twins.length;
          await sendOne(left + 10, twins);
        }
      };
      await Promise.all(Array.from({ length: LANES }, lane));
      assert.ok(tally.replied > 500 && tally.unknown > 100 && tally.refused > 100, JSON.stringify(tally));
      assert.equal(tally.confirmed > 100, ['honest', 'late'].includes(name), JSON.stringify(tally));
    });
  }
});

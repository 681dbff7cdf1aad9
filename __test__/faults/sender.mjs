// The child of the harness: sends as planned, and tells of each send what came of it and whether it showed a secret.

import { AsyncLocalStorage } from 'node:async_hooks';
import { tracingChannel } from 'node:diagnostics_channel';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { inspect } from 'node:util';

import { ConnectorError } from '../support/classes.mjs';

import createConnector, { sendMessage } from '../support/package.mjs';
import { megabytes, openSockets } from './footprint.mjs';
import { planOf, SECRET, secretsOf, urlOf } from './plan.mjs';

const { seed, from, count, concurrency, bases, traces } = JSON.parse(process.argv[2]);
const WARM_UP = Math.min(400, Math.ceil(count / 3));
const BEAT_MS = 20;
// Longer than a probe, and than the deadline of anything that is still under way.
const QUIET_MS = 3000;

const current = new AsyncLocalStorage();
if (traces) {
  // A copy: what is still to come into the context is no business of a trace.
  const asyncStart = (context) => current.getStore().traces.push({ ...context });
  tracingChannel('connector-smsaero:send').subscribe({ asyncStart });
}

// How late this process gets to run, and when: a busy machine must not look like a slow connector.
const beats = [];
let due = performance.now() + BEAT_MS;
const metronome = setInterval(() => {
  const now = performance.now();
  beats.push({ now, late: Math.max(0, now - due) });
  due = now + BEAT_MS;
}, BEAT_MS);
const lagWithin = (start, end) => {
  const during = beats.filter(({ now, late }) => now >= start && now - late - BEAT_MS <= end);
  return during.reduce((worst, { late }) => Math.max(worst, late), 0);
};

const hidden = { showHidden: true, depth: Number.POSITIVE_INFINITY, getters: true };
const leakIn = (thing) =>
  [
    inspect(thing, hidden),
    JSON.stringify(thing) ?? '',
    String(thing?.stack),
    String(thing?.message),
    inspect(thing?.cause, hidden),
    inspect(thing?.data, hidden),
  ].find((text) => SECRET.test(text));

const usageTypes = ['SignIn', 'Register', 'ForgotPassword', 'Generic'];

function dispatch(index) {
  const { kinds, timeoutMs, connectTimeoutMs, door, testMode } = planOf(seed, index);
  const { number, code, email, apiKey } = secretsOf(index);
  const content = 'TEXTSECRET {{code}} \u041a\u043e\u0434';
  const templates = usageTypes.map((usageType) => ({ usageType, content }));
  const config = { email, apiKey, senderName: 'SMSAero', templates, testMode };
  const gateways = kinds.map((kind) => urlOf(kind, index, bases));
  const options = { gateways, timeoutMs, connectTimeoutMs };
  const data = { to: number, type: 'SignIn', payload: { code } };
  if (door === 'sendMessage') return sendMessage(data, config, options);
  const connecting = createConnector({ getConfig: async () => config, ...options });
  return connecting.then((connector) => connector.sendMessage(data));
}

async function send(index) {
  const report = { index, traces: [], start: performance.now() };
  const settle = (outcome) => Object.assign(report, outcome, { end: performance.now() });
  await current.run(report, () =>
    dispatch(index).then(
      // `sendMessage` hands over a receipt, the connector of Logto nothing that it promises.
      (receipt) =>
        settle({ ok: true, id: receipt?.id, url: receipt?.gateway, leak: leakIn(receipt) }),
      (error) => {
        const { reason, status } = error?.data ?? {};
        settle({ ok: false, code: error?.code, reason, status, leak: leakIn(error) });
        if (!(error instanceof ConnectorError)) report.odd = String(error?.stack);
      },
    ),
  );
  report.leak ??= leakIn(report.traces);
  // Who else listens sees the same context, of which an error is already looked through.
  report.traces = report.traces.map(({ error, result, ...trace }) => trace);
  return report;
}

async function sendAll(first, last, tell) {
  let next = first;
  const lane = async () => {
    while (next < last) {
      const index = next;
      next += 1;
      tell(await send(index));
    }
  };
  await Promise.all(Array.from({ length: concurrency }, lane));
}

const before = { sockets: openSockets() };
const reports = [];
const last = from + count;
await sendAll(from, from + WARM_UP, (report) => reports.push(report));
before.megabytes = await megabytes();
await sendAll(from + WARM_UP, last, (report) => reports.push(report));
for (const report of reports) report.lag = lagWithin(report.start, report.end);
clearInterval(metronome);
beats.length = 0;
await sleep(QUIET_MS);
const kept = { sockets: openSockets() };
process.send({ reports, before, kept });
reports.length = 0;

// The gateways are gone when this comes.
process.once('message', async () => {
  // The system closes them one by one.
  for (let round = 0; round < 50 && openSockets() > before.sockets; round += 1) await sleep(100);
  const after = { sockets: openSockets(), megabytes: await megabytes() };
  process.send({ after }, () => process.disconnect());
});

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fixture, start } from '../support/child.mjs';
import { startEnvironment } from './environment.mjs';
import { faultsOf, isLate, outcomeOf } from './invariants.mjs';
import { ALIVE, DEAD, DEEDS, planOf, SECRET } from './plan.mjs';

const seed = Number(process.env.FAULT_SEED ?? Math.floor(Math.random() * 2 ** 31));
const sends = Number(process.env.FAULT_SENDS ?? 10_000);
// How to send: with traces and the log, with one of them, with neither; up to more at a time than connections.
const WAYS = [
  { concurrency: 48, traces: true, debug: true },
  { concurrency: 60, traces: false, debug: false },
  { concurrency: 72, traces: true, debug: false },
  { concurrency: 100, traces: false, debug: true },
];
// Memory that a run may need on top of its warm-up, whatever it sends: pools of connections and of allocators.
const MEMORY_MB = 64;
const CONNECTIONS = 192;

async function runBatch(number, from, count) {
  const { concurrency, traces, debug } = WAYS[number % WAYS.length];
  const environment = await startEnvironment(seed, number);
  const { bases, caFile: NODE_EXTRA_CA_CERTS } = environment;
  const input = { seed, from, count, concurrency, bases, traces };
  // A name server that says nothing is not waited for beyond the test.
  const env = { NODE_EXTRA_CA_CERTS, RES_OPTIONS: 'timeout:1 attempts:1' };
  if (debug) env.NODE_DEBUG = 'smsaero';
  const flags = ['--expose-gc', '--unhandled-rejections=strict'];
  const sender = start(fixture('sender'), {
    ...{ input, env, flags, ipc: true, timeoutMs: 170_000 },
  });
  try {
    const report = await messageOf(sender);
    // On a busy machine this process learns late of what the other one has closed.
    for (let round = 0; round < 100 && environment.held().length > 0; round += 1) await sleep(100);
    const [seen, held] = [environment.seen(), environment.held()];
    await environment.stop();
    sender.child.send('over');
    const { after } = await messageOf(sender);
    const { code, signal, stdout, stderr } = await sender.ended;
    return {
      count,
      debug,
      traces,
      seen,
      held,
      ...report,
      after,
      exit: signal ?? code,
      stdout,
      stderr,
    };
  } finally {
    sender.child.kill('SIGKILL');
    await environment.stop();
  }
}

async function messageOf({ child, output, ended }) {
  const early = ended.then(({ code, signal }) => {
    throw new Error(`the sender ended with ${signal ?? code}:\n${output.output}`);
  });
  const [message] = await Promise.race([once(child, 'message'), early]);
  return message;
}

async function runAll() {
  const size = Math.ceil(sends / WAYS.length);
  const jobs = WAYS.map((_, number) => [number, number * size, Math.min(size, sends - number * size)]);
  const left = jobs.filter(([, , count]) => count > 0);
  const batches = [];
  const lane = async () => {
    while (left.length > 0) batches.push(await runBatch(...left.shift()));
  };
  await Promise.all(Array.from({ length: Math.min(2, availableParallelism()) }, lane));
  return batches;
}

describe('faults at random', () => {
  test(`${sends} sends through random faults`, { timeout: 175_000 }, async (t) => {
    t.diagnostic(`FAULT_SEED=${seed} FAULT_SENDS=${sends} repeats this`);
    const started = Date.now();
    const batches = await runAll();
    const cases = batches.flatMap(({ reports, seen }) =>
      reports.map((report) => [planOf(seed, report.index), report, seen.get(report.index)]),
    );
    for (const line of table(cases)) t.diagnostic(line);
    const lag = Math.max(...cases.map(([, report]) => report.lag));
    t.diagnostic(`${(Date.now() - started) / 1000} s; worst scheduling lag ${Math.round(lag)} ms`);

    await t.test('each is settled once, and none breaks an invariant', () => {
      assert.equal(new Set(cases.map(([plan]) => plan.index)).size, sends);
      assert.equal(cases.length, sends);
      const broken = cases.flatMap(([plan, report, seen]) => {
        const sentences = faultsOf(plan, report, seen);
        return sentences.length > 0 ? [{ sentences, plan, report, seen }] : [];
      });
      const examples = JSON.stringify(broken.slice(0, 8), null, 1);
      assert.equal(broken.length, 0, `FAULT_SEED=${seed}: ${broken.length} sends, such as ${examples}`);
    });

    await t.test('no output of any process shows a secret, and no rejection goes unhandled', () => {
      for (const { stdout, stderr, exit } of batches) {
        assert.equal(exit, 0, stderr);
        assert.equal(stdout, '');
        assert.doesNotMatch(stderr, SECRET);
      }
    });

    await t.test('NODE_DEBUG prints a line a send, a subscriber gets a context a send', () => {
      for (const { stderr, debug, traces, reports, count } of batches) {
        const lines = stderr.split('\n').filter(Boolean);
        assert.equal(lines.length, debug ? count : 0, lines.slice(0, 3).join('\n'));
        for (const line of lines) assert.match(line, /^SMSAERO \d+: SignIn to 7999\*+\d\d: /);
        for (const report of reports) assert.equal(report.traces.length, traces ? 1 : 0);
      }
    });

    await t.test('sockets and memory come back', (t) => {
      for (const { before, kept, after, held } of batches) {
        t.diagnostic(
          `sockets ${before.sockets} → ${kept.sockets} kept → ${after.sockets}, ` +
            `resident ${before.megabytes.toFixed(0)} → ${after.megabytes.toFixed(0)} MB`,
        );
        assert.deepEqual(held, [], 'connections to gateways that never worked');
        assert.ok(after.megabytes - before.megabytes < MEMORY_MB);
        if (before.sockets === undefined) continue;
        assert.equal(after.sockets, before.sockets);
        // Kept ones belong to the pool of each gateway that works.
        assert.ok(kept.sockets - before.sockets <= 5 * CONNECTIONS, `${kept.sockets} sockets kept`);
      }
    });

    await t.test('a dead gateway is passed over', (t) => {
      const chances = cases.filter(
        ([{ kinds }]) =>
          kinds.length > 1 && kinds.slice(0, -1).every((kind) => DEAD.includes(kind)) && ALIVE.includes(kinds.at(-1)),
      );
      const arrived = chances.filter(([, , seen]) => seen?.arrivals === 1).length;
      t.diagnostic(`${arrived} of ${chances.length} arrived at the last gateway in spite of dead ones`);
      // On a busy machine many have no time left for it.
      assert.ok(arrived > chances.length / 20, `${arrived}`);
    });

    await t.test('every fault was met', { skip: sends < 5000 && 'too few sends for that' }, () => {
      const met = (test) => cases.filter(([plan]) => test(plan)).length;
      for (const kind of DEAD) assert.ok(met(({ kinds }) => kinds[0] === kind) > 100, kind);
      for (const deed of Object.keys(DEEDS)) assert.ok(met((plan) => plan.deed === deed) > 50, deed);
      const resolved = cases.filter(([, { ok }]) => ok).length;
      assert.ok(resolved > sends / 50, `${resolved} resolved`);
    });
  });

  /** Counts by the way that ended a send, and by what happened on the way. */
  function table(cases) {
    const rows = new Map();
    const count = (row, outcome) => {
      if (!rows.has(row)) rows.set(row, {});
      rows.get(row)[outcome] = (rows.get(row)[outcome] ?? 0) + 1;
    };
    for (const [plan, report, seen] of cases) {
      const outcome = outcomeOf(report);
      count('all', outcome);
      count(`first gateway: ${plan.kinds[0]}`, outcome);
      if (seen?.arrivals > 0) count(`arrived: ${plan.deed}`, isLate(plan, report) ? `${outcome} (late)` : outcome);
    }
    const line = ([row, outcomes]) => {
      const sorted = Object.entries(outcomes).sort(([, one], [, other]) => other - one);
      return `${row.padEnd(32)} ${sorted.map(([name, times]) => `${name} ${times}`).join(', ')}`;
    };
    return [...rows].sort(([one], [other]) => one.localeCompare(other)).map(line);
  }

  test('the judge knows a broken invariant', () => {
    const plan = { ...planOf(1, 0), kinds: ['secure'], deed: 'nothing', timeoutMs: 500 };
    const id = 17;
    const url = 'https://127.0.0.1:1';
    const base = { index: 0, start: 0, end: 20, lag: 0, traces: [] };
    const resolved = { ...base, ok: true, id, url };
    const rejected = (reason, changes) => ({
      ...base,
      ok: false,
      code: 'general',
      reason,
      ...changes,
    });
    const arrived = { arrivals: 1, accepted: [{ id, url }], answered: true, doomed: false };
    const lost = { arrivals: 0, accepted: [], answered: false, doomed: false };
    const on = (changes) => ({ ...plan, ...changes });

    assert.deepEqual(faultsOf(plan, resolved, arrived), []);
    assert.deepEqual(faultsOf(plan, rejected('unreachable'), lost), []);
    assert.deepEqual(faultsOf(plan, rejected('unknown_outcome', { end: 500 }), arrived), []);
    for (const [changed, report, seen] of [
      [plan, resolved, lost],
      [plan, resolved, { ...arrived, arrivals: 2 }],
      [plan, resolved, { ...arrived, accepted: [...arrived.accepted, { id: 18, url }] }],
      [plan, resolved, { ...arrived, answered: false }],
      [plan, { ...resolved, id: 18 }, arrived],
      [plan, { ...resolved, leak: 'the code' }, arrived],
      [plan, { ...resolved, end: 900 }, arrived],
      [on({ deed: 'gzip' }), resolved, arrived],
      [plan, rejected('unreachable'), arrived],
      [plan, rejected('timeout'), arrived],
      [plan, rejected('unknown_outcome'), arrived],
      [on({ kinds: ['expired', 'dns'] }), rejected('unknown_outcome'), lost],
      [plan, rejected('elsewhere'), lost],
      [plan, rejected('rate_limited'), lost],
      [on({ deed: 'noMoney' }), rejected('unauthorized', { status: 401 }), arrived],
      [plan, { ...resolved, traces: [{ outcome: 'unknown' }] }, arrived],
    ]) {
      assert.notDeepEqual(faultsOf(changed, report, seen), []);
    }
  });
});

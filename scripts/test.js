// Installs what is missing, builds and tests: one command on a new machine with Node and Rust.
// Usage: test.js [TASK…] [--release | --all | --check] [--keep-going] [--list]
//   npm test: what every change needs; npm run test:release: what only a release needs; --all both, as CI does;
//   npm run check: the quickest of it. `node` also means node-slow, node-22, node-24; arm64 by name runs in any case.

import { readOptions } from './command.js';
import { sum } from './counts.js';
import { Failure, main } from './platforms/util.js';
import { checks, tasks } from './tasks.js';

await main(async () => {
  const { positionals, ...options } = readOptions({
    release: { type: 'boolean' },
    all: { type: 'boolean' },
    check: { type: 'boolean' },
    'keep-going': { type: 'boolean' },
    list: { type: 'boolean' },
  });
  const started = Date.now();
  const list = chosen(listFor(options), positionals);
  if (options.list) {
    for (const { name, title } of list) console.log(`${name.padEnd(14)}${title}`);
    return;
  }
  const rows = await runAll(list, {
    isStubborn: options['keep-going'],
    isWanted: positionals.includes('arm64'),
  });
  summarize(rows, started);
});

function listFor({ release = false, all = false, check = false }) {
  if (check) return checks;
  return all ? tasks : tasks.filter((task) => (task.release ?? false) === release);
}

function chosen(list, words) {
  if (words.length === 0) return list;
  const means = (word) => (task) => task.name === word || task.name.startsWith(`${word}-`);
  const unknown = words.find((word) => !tasks.some(means(word)));
  if (unknown !== undefined) {
    const names = tasks.map(({ name }) => name).join(', ');
    throw new Failure(`There is no task ${unknown}; there are ${names}.`);
  }
  return tasks.filter((task) => words.some((word) => means(word)(task)));
}

async function runAll(list, { isStubborn = false, isWanted = false }) {
  const rows = [];
  let isOver = false;
  for (const task of list) {
    const row = isOver ? { name: task.name, verdict: 'not run' } : await runOne(task, { isWanted });
    rows.push(row);
    isOver ||= row.verdict === 'FAILED' && !isStubborn;
  }
  return rows;
}

async function runOne({ name, title, run }, wishes) {
  console.log(`» ${name}: ${title}`);
  const started = Date.now();
  const elapsed = () => seconds(started);
  try {
    const { tests, note, leftOut } = (await run(wishes)) ?? {};
    const words = [leftOut && `left out: ${leftOut}`, tests && countWords(tests), note];
    const summary = words.filter(Boolean).join(', ');
    console.log(`  ${elapsed()}${summary && `  ${summary}`}\n`);
    return { name, verdict: leftOut ? 'left out' : 'passed', time: elapsed(), tests, summary };
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    console.log(`  ${elapsed()}  ${name} FAILED: ${error.message}\n`);
    const { tests, message } = error;
    return { name, verdict: 'FAILED', time: elapsed(), tests, summary: message };
  }
}

function summarize(rows, started) {
  for (const { name, verdict, time = '', summary = '' } of rows) {
    console.log(`${name.padEnd(14)}${verdict.padEnd(10)}${time.padStart(8)}  ${summary}`.trimEnd());
  }
  const { passed = 0, failed = 0 } = rows.map(countsOf).reduce(sum, {});
  const failures = rows.filter(({ verdict }) => verdict === 'FAILED');
  if (failures.length > 0) process.exitCode = 1;
  console.log(`\n${seconds(started)} in all. A task without tests of its own counts as one.`);
  console.log(`${passed} passed, ${failed} failed`);
}

function countsOf({ verdict, tests }) {
  const one = { passed: { passed: 1 }, FAILED: { failed: 1 } }[verdict] ?? {};
  if (!tests) return one;
  // A run that failed without a failed test, by a crash say, did not pass.
  return verdict === 'FAILED' && tests.failed === 0 ? sum(tests, one) : tests;
}

function countWords({ passed, skipped }) {
  return `${passed} tests passed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
}

function seconds(since) {
  return `${((Date.now() - since) / 1000).toFixed(1)} s`;
}

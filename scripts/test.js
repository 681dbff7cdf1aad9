// Installs what is missing, builds and tests: one command on a new machine with Node and Rust.
// Usage: npm test -- [--only PHASE[,PHASE]] [--keep-going] [--arm64] [--list]; `node` also means node-22, node-24;
// --arm64, or TEST_ARM64=1, tests arm64 whether anything of it has changed or not.

import { readOptions } from './command.js';
import { sum } from './counts.js';
import { phases } from './phases.js';
import { Complaint, main } from './platforms/workshop.js';

await main(async () => {
  const options = readOptions({
    only: { type: 'string', multiple: true },
    'keep-going': { type: 'boolean' },
    arm64: { type: 'boolean' },
    list: { type: 'boolean' },
  });
  if (options.list) {
    for (const { name, title } of phases) console.log(`${name.padEnd(14)}${title}`);
    return;
  }
  const started = Date.now();
  const list = chosen(options.only);
  const isWanted =
    options.arm64 || process.env.TEST_ARM64 === '1' || (options.only && list.length === 1);
  const rows = await runAll(list, { isStubborn: options['keep-going'], isWanted });
  summarize(rows, started);
});

function chosen(only) {
  if (!only) return phases;
  const wanted = only.flatMap((list) => list.split(',')).filter(Boolean);
  const means = (word) => (phase) => phase.name === word || phase.name.startsWith(`${word}-`);
  const unknown = wanted.find((word) => !phases.some(means(word)));
  if (unknown !== undefined || wanted.length === 0) {
    const names = phases.map(({ name }) => name).join(', ');
    throw new Complaint(`There is no phase ${unknown ?? 'without a name'}; there are ${names}.`);
  }
  return phases.filter((phase) => wanted.some((word) => means(word)(phase)));
}

async function runAll(list, { isStubborn = false, isWanted = false }) {
  const rows = [];
  let isOver = false;
  for (const phase of list) {
    const row = isOver
      ? { name: phase.name, verdict: 'not run' }
      : await runOne(phase, { isWanted });
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
    const words = [leftOut && `left out: ${leftOut}`, tests && told(tests), note];
    const said = words.filter(Boolean).join(', ');
    console.log(`  ${elapsed()}${said && `  ${said}`}\n`);
    return { name, verdict: leftOut ? 'left out' : 'passed', time: elapsed(), tests, said };
  } catch (error) {
    if (!(error instanceof Complaint)) throw error;
    console.log(`  ${elapsed()}  ${name} FAILED: ${error.message}\n`);
    const { tests, message } = error;
    return { name, verdict: 'FAILED', time: elapsed(), tests, said: message };
  }
}

function summarize(rows, started) {
  for (const { name, verdict, time = '', said = '' } of rows) {
    console.log(`${name.padEnd(14)}${verdict.padEnd(10)}${time.padStart(8)}  ${said}`.trimEnd());
  }
  const { passed = 0, failed = 0 } = rows.map(countsOf).reduce(sum, {});
  const failures = rows.filter(({ verdict }) => verdict === 'FAILED');
  if (failures.length > 0) process.exitCode = 1;
  console.log(`\n${seconds(started)} in all. A phase without tests of its own counts as one.`);
  console.log(`${passed} passed, ${failed} failed`);
}

function countsOf({ verdict, tests }) {
  const one = { passed: { passed: 1 }, FAILED: { failed: 1 } }[verdict] ?? {};
  if (!tests) return one;
  // A run that failed without a failed test, by a crash say, did not pass.
  return verdict === 'FAILED' && tests.failed === 0 ? sum(tests, one) : tests;
}

function told({ passed, skipped }) {
  return `${passed} tests passed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
}

function seconds(since) {
  return `${((Date.now() - since) / 1000).toFixed(1)} s`;
}

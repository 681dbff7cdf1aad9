// `npm run bench:instructions`: counts the instructions of the core's work with callgrind, which no busy machine can
// disturb, and fails when one takes more than the margin above the committed baseline.
//
//   --update       writes the baseline anew

import { execFile, execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';

// The same compiler counts the same but for a percent, by the C library of the machine; what a change of ours costs is to
// be seen above that. Another compiler optimizes otherwise.
const MARGIN_PERCENT = 3;
const OTHER_COMPILER_MARGIN_PERCENT = 15;
const FEW = 100;
const MANY = 600;

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const { values: options } = parseArgs({ options: { update: { type: 'boolean', default: false } } });
const baselineFile = here('instructions.json');

const build = () => {
  const target = here('../build/bench-rust');
  const command = ['build', '--locked', '--release', '--features', 'core', '--bin', 'work'];
  execFileSync('cargo', command, {
    cwd: here('rust'),
    env: { ...process.env, CARGO_TARGET_DIR: target },
    stdio: 'inherit',
  });
  return `${target}/release/work`;
};

const run = promisify(execFile);

const counted = async (program, name, rounds) => {
  const flags = ['--tool=callgrind', '--callgrind-out-file=/dev/null'];
  const { stderr } = await run('valgrind', [...flags, program, name, String(rounds)]);
  const count = /Collected : (\d+)/.exec(stderr)?.[1];
  if (!count) throw new Error(`valgrind counted nothing for ${name}:\n${stderr}`);
  return Number(count);
};

/** What one round takes: the start of the program is in both counts. */
const perRound = async (program, name) => {
  const few = await counted(program, name, FEW);
  const many = await counted(program, name, MANY);
  return Math.round((many - few) / (MANY - FEW));
};

const measure = async (program) => {
  const names = execFileSync(program, { encoding: 'utf8' }).trim().split('\n');
  const counts = {};
  const left = [...names];
  const lane = async () => {
    for (let name = left.shift(); name; name = left.shift()) counts[name] = await perRound(program, name);
  };
  await Promise.all(Array.from({ length: availableParallelism() }, lane));
  return Object.fromEntries(names.map((name) => [name, counts[name]]));
};

const compare = (counts, baseline, margin) => {
  const worse = [];
  for (const [name, count] of Object.entries(counts)) {
    const before = baseline.instructions[name];
    const change = before ? (count / before - 1) * 100 : Number.NaN;
    const difference = before ? `${change >= 0 ? '+' : ''}${change.toFixed(1)} %` : 'new';
    console.log(`${name.padEnd(16)} ${String(count).padStart(8)}  ${difference}`);
    // What the baseline does not know is not guarded.
    if (!before || change > margin) worse.push(name);
  }
  return worse;
};

const main = async () => {
  const version = ['--version'];
  const rustc = execFileSync('rustc', version, { cwd: here('rust'), encoding: 'utf8' }).trim();
  const counts = await measure(build());
  if (options.update) {
    const baseline = { rustc, marginPercent: MARGIN_PERCENT, instructions: counts };
    writeFileSync(baselineFile, `${JSON.stringify(baseline, null, 2)}\n`);
    console.log(baseline);
    return;
  }
  const baseline = JSON.parse(readFileSync(baselineFile, 'utf8'));
  const isSame = baseline.rustc === rustc;
  if (!isSame) console.log(`The baseline was counted with ${baseline.rustc}, this is ${rustc}.`);
  const margin = isSame ? MARGIN_PERCENT : OTHER_COMPILER_MARGIN_PERCENT;
  const worse = compare(counts, baseline, margin);
  if (worse.length === 0) return;
  console.error(
    `More than ${margin} % above the baseline, or not in it: ${worse.join(', ')}. ` +
      'If that is meant, run `node bench/instructions.js --update` and commit bench/instructions.json.',
  );
  process.exitCode = 1;
};

await main();

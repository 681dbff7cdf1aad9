// Fuzzes the core: `npm run fuzz`, or `npm run fuzz -- 600` for ten minutes a target, `-- 600 judge` for one of them.
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const targets = ['guard', 'template', 'judge', 'segment', 'redact'];
const [seconds = '10', ...chosen] = process.argv.slice(2);

// The sanitizers need a nightly compiler, and the core has no unsafe code for them to watch: coverage alone will do.
const env = { ...process.env, RUSTC_BOOTSTRAP: '1' };
const run = (command, args) =>
  spawnSync(command, args, { cwd: root, env, stdio: 'inherit' }).status;

if (spawnSync('cargo', ['fuzz', '--version'], { stdio: 'ignore' }).status !== 0) {
  console.log('Installing cargo-fuzz…');
  if (run('cargo', ['install', '--locked', '--quiet', 'cargo-fuzz']) !== 0) {
    console.error(
      'cargo-fuzz could not be installed. Try "cargo install cargo-fuzz" and read what it says.',
    );
    process.exit(1);
  }
}

for (const target of chosen.length > 0 ? chosen : targets) {
  // What is found goes into a folder of its own, so that the committed corpus stays small.
  const found = `build/corpus/${target}`;
  mkdirSync(`${root}/${found}`, { recursive: true });
  console.log(`Fuzzing ${target} for ${seconds} s…`);
  // An input that takes seconds is a finding, as a panic is.
  const bounds = ['-timeout=5', '-max_len=65536'];
  const limits = [
    '--',
    `-max_total_time=${seconds}`,
    ...bounds,
    '-print_final_stats=1',
    '-verbosity=0',
  ];
  if (
    run('cargo', [
      'fuzz',
      'run',
      '--sanitizer',
      'none',
      target,
      found,
      `fuzz/corpus/${target}`,
      ...limits,
    ]) !== 0
  ) {
    console.error(
      `The target ${target} found something: the input is in fuzz/artifacts/${target}.`,
    );
    process.exit(1);
  }
}

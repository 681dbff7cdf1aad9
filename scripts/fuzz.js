// Fuzzes the core: `npm run fuzz`, or `npm run fuzz -- 600` for ten minutes a target, `-- 600 judge` for one of them.

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

import { cargoTool } from './platforms/fetch.js';
import { BUILD, Failure, main, readOptions, run } from './util.js';

const TARGETS = ['guard', 'template', 'judge', 'segment', 'redact'];

await main(async () => {
  const [seconds = '10', ...chosen] = readOptions({}).words;
  const strange = chosen.find((name) => !TARGETS.includes(name));
  if (!/^\d+$/.test(seconds) || strange !== undefined) {
    throw new Failure(`fuzz takes seconds, then targets among ${TARGETS.join(', ')}.`);
  }
  // The sanitizers need a nightly compiler, and the core has no unsafe code for them to watch: coverage alone will do.
  const env = { ...(await cargoTool('cargo-fuzz')), RUSTC_BOOTSTRAP: '1' };
  for (const target of chosen.length > 0 ? chosen : TARGETS) {
    // What is found goes into a folder of its own, so that the committed corpus stays small.
    const found = join(BUILD, 'corpus', target);
    mkdirSync(found, { recursive: true });
    console.log(`Fuzzing ${target} for ${seconds} s.`);
    const command = ['cargo', 'fuzz', 'run', '--sanitizer', 'none', target, found, `fuzz/corpus/${target}`];
    // An input that takes seconds is a finding, as a panic is.
    const bounds = ['-timeout=5', '-max_len=65536', '-print_final_stats=1', '-verbosity=0'];
    const failure = `The target ${target} found something: the input is in fuzz/artifacts/${target}.`;
    await run([...command, '--', `-max_total_time=${seconds}`, ...bounds], { env, failure });
  }
});

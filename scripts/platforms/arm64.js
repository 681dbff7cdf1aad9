// When arm64 last passed: a hash of all that its binaries and their test are made of, committed.

import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { contents, ROOT, sha256 } from './util.js';

export const ARM64_RECORD = 'scripts/platforms/arm64.passed';

const INPUTS = [
  ...['Cargo.toml', 'Cargo.lock', 'src', 'napi', 'testing'],
  ...readdirSync(join(ROOT, 'lib'))
    .filter((name) => name.endsWith('.js'))
    .sort()
    .map((name) => `lib/${name}`),
  ...[
    'build-all',
    'check-binary',
    'debian',
    'python',
    'runtimes',
    'smoke',
    'targets',
    'toolchain',
  ].map((name) => `scripts/platforms/${name}.js`),
];

export function arm64Inputs() {
  return sha256(...INPUTS.flatMap(contents));
}

/** The inputs that passed last; nothing when none ever did. */
export function arm64Record() {
  const file = join(ROOT, ARM64_RECORD);
  return existsSync(file) ? readFileSync(file, 'utf8').trim() : undefined;
}

/** Writes down that what is there has passed; says whether that is news. */
export function recordArm64() {
  const inputs = arm64Inputs();
  if (inputs === arm64Record()) return false;
  writeFileSync(join(ROOT, ARM64_RECORD), `${inputs}\n`);
  return true;
}

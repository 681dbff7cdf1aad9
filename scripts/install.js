// The development dependencies, as the lock file says.

import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { ROOT, run } from './util.js';

const RECORD = join(ROOT, 'node_modules', '.installed');

/** Installs them unless this lock file's are there; says which of the two it was. */
export async function install() {
  const lock = readFileSync(join(ROOT, 'package-lock.json'));
  const wanted = createHash('sha256').update(lock).digest('hex');
  if (existsSync(RECORD) && readFileSync(RECORD, 'utf8') === wanted) return 'up to date';
  // Nothing of a dependency runs at install: the package promises the same of itself.
  await run(['npm', 'ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'], {
    failure: 'The development dependencies cannot be installed: npm ci failed, see above.',
  });
  writeFileSync(RECORD, wanted);
  return 'installed';
}

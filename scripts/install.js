// The development dependencies, as the lock file says.

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { Failure, ROOT, run } from './platforms/util.js';

/** Installs them unless they are there; says which of the two it was. */
export async function install() {
  if (isInstalled()) return 'up to date';
  console.log('Installing the development dependencies (npm ci) ...');
  try {
    // Nothing of a dependency runs at install: the package promises the same of itself.
    await run(['npm', 'ci', '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: ROOT });
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    throw new Failure(
      'The development dependencies cannot be installed: npm ci failed, see above.',
    );
  }
  return 'installed';
}

function isInstalled() {
  // npm writes this file last, and says in it what it has really put there.
  const record = join(ROOT, 'node_modules', '.package-lock.json');
  if (!existsSync(record)) return false;
  const there = packages(record);
  const wanted = Object.entries(packages(join(ROOT, 'package-lock.json')));
  return wanted.every(([path, { version, integrity, optional, devOptional }]) => {
    if (path === '') return true;
    const found = there[path];
    // Binaries for other platforms are left out.
    if (!found) return Boolean(optional ?? devOptional);
    return found.version === version && found.integrity === integrity;
  });
}

function packages(file) {
  return JSON.parse(readFileSync(file, 'utf8')).packages;
}

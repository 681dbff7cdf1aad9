import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

import { isDebian, unpackDebian } from './debian.js';

/** The machine's valgrind, or one that is unpacked for this; nothing where there is neither. */
export async function valgrind() {
  const { status } = spawnSync('valgrind', ['--version'], { stdio: 'ignore' });
  if (status === 0) return { command: 'valgrind', env: process.env };
  if (!isDebian() || process.arch !== 'x64') return undefined;
  const root = await unpackDebian('valgrind', ['valgrind']);
  const VALGRIND_LIB = join(root, 'usr', 'libexec', 'valgrind');
  return {
    command: join(root, 'usr', 'bin', 'valgrind.bin'),
    env: { ...process.env, VALGRIND_LIB },
  };
}

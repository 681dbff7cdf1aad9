// Files of Python wheels: PyPI is where zig and a musl build of Node can be had by name.

import { existsSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';

import { BUILD_FOLDER, firstWorking, run } from './util.js';

/** Unpacks a wheel into `build/platforms/<folder>` once and returns that folder. */
export async function unpackWheel(folder, requirement, { platform } = {}) {
  const target = join(BUILD_FOLDER, folder);
  if (existsSync(target)) return target;
  const python = firstWorking(['python3', '-m', 'pip'], ['python', '-m', 'pip']);
  const aside = `${target}.partial`;
  rmSync(aside, { recursive: true, force: true });
  // A wheel of another platform is only unpacked, which pip does for any platform that is named.
  const foreign = platform ? ['--platform', platform, '--python-version', '3.12'] : [];
  const flags = ['--quiet', '--no-deps', '--no-compile', '--only-binary=:all:'];
  await run([...python, 'install', ...flags, ...foreign, '--target', aside, requirement], {
    env: { ...process.env, PIP_DISABLE_PIP_VERSION_CHECK: '1', PIP_ROOT_USER_ACTION: 'ignore' },
  });
  renameSync(aside, target);
  return target;
}

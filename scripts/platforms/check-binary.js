// Says whether a binary is what its name promises: architecture, C library, its floor, size.
// Usage: check-binary.js [platform | tarball.tgz …]; without arguments every binary in lib/.

import { existsSync, readFileSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { pathToFileURL } from 'node:url';

import { readElf } from './elf.js';
import {
  BINARY_LIMIT_BYTES,
  binaryName,
  GLIBC_FLOOR,
  TARBALL_LIMIT_BYTES,
  TARGETS,
} from './targets.js';
import { Failure, main, megabytes, ROOT } from './util.js';

// Parts of a C library: all that every host is sure to have.
const LIBRARIES = {
  gnu: /^(libc\.so\.6|libm\.so\.6|libdl\.so\.2|libpthread\.so\.0|librt\.so\.1|ld-linux-.*)$/,
  // Node on Alpine is linked with both names of musl.
  musl: /^(libc\.so|libc\.musl-.*\.so\.1)$/,
};

/** Complains unless the file is a binary for that platform; returns what is in it. */
export function checkBinary(platform, file) {
  const complain = (sentence) => {
    throw new Failure(`${basename(file)}: ${sentence}`);
  };
  const bytes = readFileSync(file);
  if (bytes.length > BINARY_LIMIT_BYTES) {
    complain(`${megabytes(bytes.length)} is more than ${megabytes(BINARY_LIMIT_BYTES)}.`);
  }
  // Mach-O and PE are tested where they run; only their sizes are known here.
  if (TARGETS[platform].host !== 'linux') return { size: bytes.length, needed: [], glibc: null };

  const { architecture, needed, versions, exported, isStripped } = readElf(bytes);
  const [, arch, libc] = platform.split('-');
  const glibc = newest(versions);
  const stranger = needed.find((name) => !LIBRARIES[libc].test(name));
  if (architecture !== arch) complain(`it is for ${architecture}, not for ${arch}.`);
  if (libc === 'musl' && glibc) complain(`it asks for GLIBC_${glibc}, which musl does not have.`);
  if (libc === 'gnu' && !glibc)
    complain('it asks for no GLIBC symbol, so it was not linked with glibc.');
  if (glibc && compare(glibc, GLIBC_FLOOR) > 0) {
    complain(`it asks for GLIBC_${glibc}; ${GLIBC_FLOOR} is the newest allowed.`);
  }
  if (stranger !== undefined) complain(`it needs ${stranger}, which not every host has.`);
  if (!exported.includes('napi_register_module_v1')) complain('it does not export a Node addon.');
  if (!isStripped) complain('it is not stripped.');
  return { size: bytes.length, needed, glibc };
}

export function checkTarball(file) {
  const { size } = statSync(file);
  if (size > TARBALL_LIMIT_BYTES) {
    throw new Failure(
      `${basename(file)}: ${megabytes(size)} is more than ${megabytes(TARBALL_LIMIT_BYTES)}.`,
    );
  }
  return size;
}

function newest(versions) {
  const glibc = versions.flatMap((name) => /^GLIBC_([\d.]+)$/.exec(name)?.[1] ?? []);
  return glibc.sort(compare).at(-1) ?? null;
}

function compare(one, other) {
  return one.localeCompare(other, 'en', { numeric: true });
}

function report(arguments_) {
  const present = Object.keys(TARGETS).filter((name) => existsSync(path(name)));
  const chosen = arguments_.length > 0 ? arguments_ : present;
  if (chosen.length === 0)
    throw new Failure('There is no binary in lib/. `npm run build:all` makes them.');
  for (const name of chosen) {
    if (name.endsWith('.tgz')) {
      console.log(`${basename(name)}: ${megabytes(checkTarball(name))}`);
    } else if (!(name in TARGETS)) {
      throw new Failure(`${name} is neither a platform nor a tarball.`);
    } else {
      const { size, needed, glibc } = checkBinary(name, path(name));
      const floor = glibc ? `, GLIBC_${glibc}` : '';
      console.log(`${name}: ${megabytes(size)}${floor}, needs ${needed.join(' ') || 'nothing'}`);
    }
  }
}

function path(platform) {
  return join(ROOT, 'lib', binaryName(platform));
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  await main(async () => report(process.argv.slice(2)));
}

// Says whether a binary is what its name promises: architecture, C library and its oldest version, size.

import { statSync } from 'node:fs';
import { basename } from 'node:path';

import { Failure, megabytes, run } from '../util.js';
import { BINARY_LIMIT_BYTES, TARGETS } from './targets.js';

const MACHINES = { x64: 'X86-64', arm64: 'AArch64' };
// Parts of a C library: all that every host is sure to have.
const LIBRARIES = {
  gnu: /^(libc\.so\.6|libm\.so\.6|libdl\.so\.2|libpthread\.so\.0|librt\.so\.1|ld-linux-.*)$/,
  // Node on Alpine is linked with both names of musl.
  musl: /^(libc\.so|libc\.musl-.*\.so\.1)$/,
};

/** Throws unless the file is a binary for that platform. */
export async function checkBinary(platform, file) {
  const complain = (sentence) => {
    throw new Failure(`${basename(file)}: ${sentence}`);
  };
  const { size } = statSync(file);
  if (size > BINARY_LIMIT_BYTES) {
    complain(`${megabytes(size)} is more than ${megabytes(BINARY_LIMIT_BYTES)}.`);
  }
  const { os, glibc: floor } = TARGETS[platform];
  if (os !== 'linux') return;
  const [, arch, libc] = platform.split('-');
  const env = { ...process.env, LC_ALL: 'C' };
  const flags = ['--wide', '--file-header', '--dynamic', '--dyn-syms', '--sections'];
  const text = await run(['readelf', ...flags, file], { env });
  if (!new RegExp(`Machine: .*${MACHINES[arch]}`).test(text)) complain(`it is not for ${arch}.`);
  const needed = [...text.matchAll(/\(NEEDED\).*\[(.+)\]/g)].map(([, name]) => name);
  const stranger = needed.find((name) => !LIBRARIES[libc].test(name));
  if (stranger !== undefined) complain(`it needs ${stranger}, which not every host has.`);
  const versions = [...text.matchAll(/@GLIBC_([\d.]+)/g)].map(([, version]) => version);
  if (versions.length > 0 !== (libc === 'gnu')) complain(`it is not linked with ${libc}.`);
  const newer = versions.find((one) => one.localeCompare(floor, 'en', { numeric: true }) > 0);
  if (newer !== undefined) complain(`it asks for glibc ${newer}; ${floor} is the newest allowed.`);
  if (!text.includes('napi_register_module_v1')) complain('it does not export a Node addon.');
  if (text.includes('.symtab')) complain('it is not stripped.');
}

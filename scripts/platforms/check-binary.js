// Says whether a binary is what its name promises: format, architecture, what it needs and exports, oldest system, size.

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { basename } from 'node:path';

import { BUILD, Failure, megabytes, ROOT, run } from '../util.js';
import { wheel } from './fetch.js';
import { BINARY_LIMIT_BYTES, MACOS, TARGETS } from './targets.js';

const ENTRY = 'napi_register_module_v1';
const ARCHITECTURES = { x64: /^(X86_64|AMD64)$/, arm64: /^(AARCH64|ARM64)$/ };
// Parts of the system: all that every host is sure to have.
const LIBRARIES = {
  gnu: /^(libc\.so\.6|libm\.so\.6|libdl\.so\.2|libpthread\.so\.0|librt\.so\.1|ld-linux-.*)$/,
  // Node on Alpine is linked with both names of musl.
  musl: /^(libc\.so|libc\.musl-.*\.so\.1)$/,
  darwin: /^\/usr\/lib\/libSystem\.B\.dylib$/,
  win32: /^(kernel32|ntdll|ws2_32|bcrypt|bcryptprimitives|advapi32|api-ms-win-(core|crt)-[\w-]+)\.dll$/i,
};
// In place of a library's number: BIND_SPECIAL_DYLIB_FLAT_LOOKUP of Apple's loader.h.
const WHOLE_PROCESS = -2;
// lief knows all three formats.
const READ = 'import lief, sys; print(lief.to_json(lief.parse(sys.argv[1])))';

/** Throws unless the file is a binary for that platform. */
export async function checkBinary(platform, file) {
  const { os, glibc: floor } = TARGETS[platform];
  const [, arch, libc] = platform.split('-');
  const check = (isRight, sentence) => {
    if (!isRight) throw new Failure(`${basename(file)}: ${sentence}`);
  };
  const bytes = readFileSync(file);
  check(
    bytes.length <= BINARY_LIMIT_BYTES,
    `${megabytes(bytes.length)} is more than ${megabytes(BINARY_LIMIT_BYTES)}.`,
  );
  const text = bytes.latin1Slice();
  const builder = [ROOT, BUILD, `${homedir()}/`].find((path) => text.includes(path));
  check(builder === undefined, `it has a path of the builder, ${builder}.`);
  const env = { ...process.env, PYTHONPATH: await wheel('lief') };
  const parsed = JSON.parse(await run(['python3', '-c', READ, file], { env }));
  const { machine, needs, exported } = FORMATS[os](parsed);
  check(ARCHITECTURES[arch].test(machine), `it is not for ${arch} but for ${machine}.`);
  const stranger = needs.find((name) => !LIBRARIES[os === 'linux' ? libc : os].test(name));
  check(stranger === undefined, `it needs ${stranger}, which not every host has.`);
  check(exported.includes(ENTRY), 'it does not export a Node addon.');
  if (os === 'linux') {
    const versions = [...text.matchAll(/GLIBC_([\d.]+)/g)].map(([, version]) => version);
    check(versions.length > 0 === (libc === 'gnu'), `it is not linked with ${libc}.`);
    const newer = versions.find((one) => one.localeCompare(floor, 'en', { numeric: true }) > 0);
    check(newer === undefined, `it asks for glibc ${newer}; ${floor} is the newest allowed.`);
    check(!parsed.sections.some(({ name }) => name === '.symtab'), 'it is not stripped.');
  } else if (os === 'darwin') {
    const { minos, platform: system } = parsed.build_verison;
    check(system === 'MACOS' && minos.join('.') === `${MACOS}.0`, `it is for ${system} ${minos.join('.')}.`);
    // Node's own functions are in no library that could be named: whichever program runs has them.
    const isOfNode = (symbol) => symbol.binding_info && symbol.name.startsWith('_napi_');
    const places = new Set(parsed.symbols.filter(isOfNode).map((symbol) => symbol.binding_info.library_ordinal));
    check([...places].join() === `${WHOLE_PROCESS}`, 'it looks for the functions of Node in a library.');
    // Each page of the file has its hash in the signature, without which macOS on arm64 starts nothing.
    if (arch === 'arm64') check(isSigned(bytes, parsed.code_signature), 'its signature does not fit.');
  } else {
    const { subsystem, time_date_stamp: stamp } = { ...parsed.optional_header, ...parsed.header };
    check(stamp === 0 && subsystem.startsWith('WINDOWS'), `it has the time ${stamp} of its building in it.`);
  }
}

const FORMATS = {
  linux: ({ header, dynamic_entries: entries, dynamic_symbols: symbols }) => ({
    machine: header.machine_type,
    needs: entries.filter(({ tag }) => tag === 'NEEDED').map(({ library }) => library),
    exported: symbols.filter(({ value }) => value !== 0).map(({ name }) => name),
  }),
  darwin: ({ header, libraries, symbols }) => ({
    machine: header.cpu_type,
    needs: libraries.filter(({ command }) => command !== 'ID_DYLIB').map(({ name }) => name),
    exported: symbols.filter((symbol) => symbol.export_info).map(({ name }) => name.slice(1)),
  }),
  win32: ({ header, imports, export: { entries } }) => ({
    machine: header.machine,
    needs: imports.map(({ name }) => name),
    exported: entries.map(({ name }) => name),
  }),
};

// An embedded signature is a list of blobs, big-endian; its code directory has the hashes of the pages before it.
function isSigned(bytes, { data_offset: start }) {
  const [SIGNATURE, DIRECTORY, SHA256] = [0xfade0cc0, 0xfade0c02, 2];
  if (bytes.readUInt32BE(start) !== SIGNATURE) return false;
  const blobs = Array.from({ length: bytes.readUInt32BE(start + 8) }, (_, index) =>
    bytes.subarray(start + bytes.readUInt32BE(start + 16 + 8 * index)),
  );
  const directory = blobs.find((blob) => blob.readUInt32BE(0) === DIRECTORY);
  if (directory?.[37] !== SHA256) return false;
  const [hashes, pages, end, page] = [16, 28, 32].map((at) => directory.readUInt32BE(at)).concat(2 ** directory[39]);
  return Array.from({ length: pages }, (_, index) => index).every((index) => {
    const part = bytes.subarray(index * page, Math.min((index + 1) * page, end));
    const hash = directory.subarray(hashes + 32 * index, hashes + 32 * (index + 1));
    return createHash('sha256').update(part).digest().equals(hash);
  });
}

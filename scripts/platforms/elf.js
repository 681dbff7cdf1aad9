// As much of an ELF file as says where it runs: architecture, libraries, versions of symbols.

import { Failure } from './util.js';

const MACHINES = { 62: 'x64', 183: 'arm64' };
const SHT_SYMTAB = 2;
const SHT_DYNAMIC = 6;
const SHT_DYNSYM = 11;
const SHT_GNU_VERNEED = 0x6ffffffe;
const DT_NEEDED = 1n;

export function readElf(bytes) {
  if (
    bytes.length < 64 ||
    bytes.readUInt32BE(0) !== 0x7f454c46 ||
    bytes[4] !== 2 ||
    bytes[5] !== 1
  ) {
    throw new Failure('This is not a 64-bit little-endian ELF file.');
  }
  const sections = readSections(bytes);
  const ofType = (type) => sections.find((section) => section.type === type);
  return {
    architecture: MACHINES[bytes.readUInt16LE(18)],
    needed: readNeeded(bytes, ofType(SHT_DYNAMIC), sections),
    versions: readVersions(bytes, ofType(SHT_GNU_VERNEED), sections),
    exported: readExports(bytes, ofType(SHT_DYNSYM), sections),
    isStripped: ofType(SHT_SYMTAB) === undefined,
  };
}

function readSections(bytes) {
  const table = Number(bytes.readBigUInt64LE(40));
  const size = bytes.readUInt16LE(58);
  return Array.from({ length: bytes.readUInt16LE(60) }, (_, index) => {
    const at = table + index * size;
    return {
      type: bytes.readUInt32LE(at + 4),
      offset: Number(bytes.readBigUInt64LE(at + 24)),
      size: Number(bytes.readBigUInt64LE(at + 32)),
      link: bytes.readUInt32LE(at + 40),
      count: bytes.readUInt32LE(at + 44),
    };
  });
}

function readNeeded(bytes, dynamic, sections) {
  if (dynamic === undefined) return [];
  return entries(dynamic, 16)
    .filter((at) => bytes.readBigUInt64LE(at) === DT_NEEDED)
    .map((at) => text(bytes, sections[dynamic.link], Number(bytes.readBigUInt64LE(at + 8))));
}

function readVersions(bytes, section, sections) {
  if (section === undefined) return [];
  const strings = sections[section.link];
  const versions = [];
  let need = section.offset;
  for (let left = section.count; left > 0; left -= 1) {
    let entry = need + bytes.readUInt32LE(need + 8);
    for (let more = bytes.readUInt16LE(need + 2); more > 0; more -= 1) {
      versions.push(text(bytes, strings, bytes.readUInt32LE(entry + 8)));
      entry += bytes.readUInt32LE(entry + 12);
    }
    need += bytes.readUInt32LE(need + 12);
  }
  return versions;
}

function readExports(bytes, symbols, sections) {
  if (symbols === undefined) return [];
  return entries(symbols, 24)
    .filter((at) => bytes.readUInt16LE(at + 6) !== 0)
    .map((at) => text(bytes, sections[symbols.link], bytes.readUInt32LE(at)));
}

function entries({ offset, size }, width) {
  return Array.from({ length: Math.floor(size / width) }, (_, index) => offset + index * width);
}

function text(bytes, strings, index) {
  const start = strings.offset + index;
  return bytes.toString('latin1', start, bytes.indexOf(0, start));
}

// Packs the package twice and says that both times gave the same bytes.
// Usage: pack.js [--complete] [--into FOLDER]; --complete demands a binary for every platform.

import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';

import { checkBinary, checkTarball } from './check-binary.js';
import { binaryName, TARGETS } from './targets.js';
import { Complaint, main, megabytes, ROOT, run, sha256OfFile, WORKSHOP } from './workshop.js';

/** Packs into a folder and returns the tarball with its checksum. */
export async function pack(folder, { complete = false } = {}) {
  for (const platform of Object.keys(TARGETS)) {
    const binary = join(ROOT, 'lib', binaryName(platform));
    if (existsSync(binary)) checkBinary(platform, binary);
    else if (complete) throw new Complaint(`lib/${binaryName(platform)} is missing.`);
  }
  const tarball = await packOnce(folder);
  const again = await packOnce(join(WORKSHOP, 'pack-again'));
  const checksum = sha256OfFile(tarball);
  if (checksum !== sha256OfFile(again)) {
    throw new Complaint('Packing the same files twice gave two different tarballs.');
  }
  return { tarball, checksum, size: checkTarball(tarball) };
}

async function packOnce(folder) {
  const { name, version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  mkdirSync(folder, { recursive: true });
  for (const file of readdirSync(folder)) {
    if (file.endsWith('.tgz')) rmSync(join(folder, file));
  }
  // Scripts of the package would build or test once more; what is there is what is packed.
  const command = ['npm', 'pack', '--silent', '--ignore-scripts', '--pack-destination', folder];
  await run(command, { cwd: ROOT, capture: true });
  return join(folder, `${name}-${version}.tgz`);
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  await main(async () => {
    const { values } = parseArgs({
      options: { complete: { type: 'boolean' }, into: { type: 'string' } },
    });
    const folder = resolve(values.into ?? join(WORKSHOP, 'pack'));
    const { tarball, checksum, size } = await pack(folder, values);
    const name = relative(folder, tarball);
    writeFileSync(`${tarball}.sha256`, `${checksum}  ${name}\n`);
    console.log(`${checksum}  ${name}  ${megabytes(size)}, the same twice`);
  });
}

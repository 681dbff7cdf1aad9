// Packs the package from two folders and says that both gave the same bytes.
// Usage: pack.js [--complete] [--into FOLDER]; --complete demands a binary for every platform.

import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';

import { checkBinary, checkTarball } from './check-binary.js';
import { binaryName, TARGETS } from './targets.js';
import { BUILD_FOLDER, Failure, main, megabytes, ROOT, run, sha256OfFile } from './util.js';

/**
 * Packs into a folder and returns the tarball with its checksum. Without `platforms` it checks every binary that is there;
 * with them only theirs, since `npm run build` makes one that is for this machine and not for shipping.
 */
export async function pack(folder, { complete = false, platforms = Object.keys(TARGETS) } = {}) {
  for (const platform of platforms) {
    const binary = join(ROOT, 'lib', binaryName(platform));
    if (existsSync(binary)) checkBinary(platform, binary);
    else if (complete) throw new Failure(`lib/${binaryName(platform)} is missing.`);
  }
  const files = await contents();
  const tarball = await packFrom(join(BUILD_FOLDER, 'packed'), files, folder);
  const elsewhere = mkdtempSync(join(tmpdir(), 'smsaero-pack-'));
  try {
    const again = await packFrom(join(elsewhere, 'package'), files, join(elsewhere, 'again'));
    const checksum = sha256OfFile(tarball);
    if (checksum !== sha256OfFile(again)) {
      throw new Failure('Packing the same files in two folders gave two different tarballs.');
    }
    return { tarball, checksum, size: checkTarball(tarball) };
  } finally {
    rmSync(elsewhere, { recursive: true, force: true });
  }
}

async function contents() {
  // Scripts of the package would build or test once more; what is there is what is packed.
  const command = ['npm', 'pack', '--silent', '--ignore-scripts', '--dry-run', '--json'];
  const [{ files }] = JSON.parse(await run(command, { cwd: ROOT, capture: true }));
  return files.map(({ path }) => path);
}

// From a copy: the modes that a checkout or an artifact happens to have would be those of the tarball.
async function packFrom(copy, files, folder) {
  rmSync(copy, { recursive: true, force: true });
  for (const file of files) {
    cpSync(join(ROOT, file), join(copy, file));
    chmodSync(join(copy, file), file.endsWith('.node') ? 0o755 : 0o644);
  }
  mkdirSync(folder, { recursive: true });
  for (const file of readdirSync(folder)) {
    if (file.endsWith('.tgz')) rmSync(join(folder, file));
  }
  const command = ['npm', 'pack', '--silent', '--ignore-scripts', '--pack-destination', folder];
  await run(command, { cwd: copy, capture: true });
  const { name, version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  return join(folder, `${name}-${version}.tgz`);
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  await main(async () => {
    const { values } = parseArgs({
      options: { complete: { type: 'boolean' }, into: { type: 'string' } },
    });
    const folder = resolve(values.into ?? join(BUILD_FOLDER, 'pack'));
    const { tarball, checksum, size } = await pack(folder, values);
    const name = relative(folder, tarball);
    writeFileSync(`${tarball}.sha256`, `${checksum}  ${name}\n`);
    console.log(`${checksum}  ${name}  ${megabytes(size)}, the same from two folders`);
  });
}

// Packs the package from two folders and says that both gave the same bytes. The links of its README lead to the repository,
// since npm's page has none of the files.
// Usage: pack.js [--complete] [--into FOLDER]; --complete demands a binary for every platform.

import { createHash } from 'node:crypto';
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';

import { BUILD, Failure, isScript, main, megabytes, ROOT, readJson, readOptions, run } from '../util.js';
import { checkBinary } from './check-binary.js';
import { binaryName, TARBALL_LIMIT_BYTES, TARGETS } from './targets.js';

/** Packs into a folder, after a look at the binaries of these platforms; gives the tarball. */
export async function pack(folder, { isComplete = false, platforms = Object.keys(TARGETS), version } = {}) {
  const manifest = { ...readJson('package.json'), ...(version && { version }) };
  for (const platform of platforms) {
    const binary = join(ROOT, 'lib', binaryName(platform));
    if (existsSync(binary)) await checkBinary(platform, binary);
    else if (isComplete) throw new Failure(`lib/${binaryName(platform)} is missing.`);
  }
  const list = ['npm', 'pack', '--ignore-scripts', '--dry-run', '--json'];
  const [{ files }] = JSON.parse(await run(list));
  const aside = mkdtempSync(join(tmpdir(), 'smsaero-pack-'));
  try {
    const [tarball, again] = [folder, join(aside, 'again')];
    const packed = await packFrom(join(aside, 'one'), files, tarball, manifest);
    const other = await packFrom(join(aside, 'other/package'), files, again, manifest);
    if (!readFileSync(packed).equals(readFileSync(other))) {
      throw new Failure('Packing the same files in two folders gave two different tarballs.');
    }
    const bytes = readFileSync(packed);
    if (bytes.length > TARBALL_LIMIT_BYTES) {
      throw new Failure(`The tarball has ${megabytes(bytes.length)}, which is too much.`);
    }
    const checksum = createHash('sha256').update(bytes).digest('hex');
    console.log(`  ${checksum}  ${basename(packed)}, ${megabytes(bytes.length)}`);
    return packed;
  } finally {
    rmSync(aside, { recursive: true, force: true });
  }
}

// From a copy: the modes that a checkout or an artifact happens to have would be those of the tarball.
async function packFrom(copy, files, into, manifest) {
  for (const { path } of files) {
    cpSync(join(ROOT, path), join(copy, path));
    chmodSync(join(copy, path), path.endsWith('.node') ? 0o755 : 0o644);
  }
  writeFileSync(join(copy, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
  const readme = join(copy, 'README.md');
  writeFileSync(readme, absolute(readFileSync(readme, 'utf8'), manifest));
  mkdirSync(into, { recursive: true });
  await run(['npm', 'pack', '--ignore-scripts', '--pack-destination', into], { cwd: copy });
  return join(into, `${manifest.name}-${manifest.version}.tgz`);
}

/** Markdown whose links to files lead to the repository, at the tag of this version. */
export function absolute(markdown, { repository: { url }, version }) {
  const home = url.replace(/^git\+|\.git$/g, '');
  return markdown.replace(/(!?)(\[[^\]]*\])\((?!https?:|#)([^)]+)\)/g, (_, picture, words, target) => {
    const kind = picture ? 'raw' : 'blob';
    return `${picture}${words}(${home}/${kind}/v${version}/${target})`;
  });
}

if (isScript(import.meta.url)) {
  await main(async () => {
    const options = readOptions({ complete: { type: 'boolean' }, into: { type: 'string' } });
    const folder = resolve(options.into ?? join(BUILD, 'pack'));
    await pack(folder, { isComplete: options.complete });
  });
}

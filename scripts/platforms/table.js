// README's table of platforms says how large the binaries are; this says whether that is so.

import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

import { binaryName } from './targets.js';
import { Failure, megabytes, ROOT } from './util.js';

const ROW = /^\| (linux-\w+) \| (musl|glibc) .*\| ([\d.]+) MB \|$/gm;
// One figure behind the point, and a little for the next change.
const TOLERANCE_BYTES = 100_000;

/** Throws for a binary that is not in the table, or there with another size; what others of an older build have is no matter. */
export function checkTable(platforms) {
  const text = readFileSync(join(ROOT, 'README.md'), 'utf8');
  const listed = new Map(
    [...text.matchAll(ROW)].map(([, platform, libc, size]) => [
      `${platform}-${libc.replace('glibc', 'gnu')}`,
      Number(size) * 1e6,
    ]),
  );
  for (const platform of platforms) {
    const file = join(ROOT, 'lib', binaryName(platform));
    if (!existsSync(file)) continue;
    const { size } = statSync(file);
    if (Math.abs(size - listed.get(platform)) <= TOLERANCE_BYTES) continue;
    const words = listed.has(platform) ? `${megabytes(listed.get(platform))} for` : 'nothing of';
    throw new Failure(
      `README's table of platforms says ${words} ${platform}, which has ${megabytes(size)}.`,
    );
  }
}

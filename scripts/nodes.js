// Real Node binaries of other major versions, from npm; kept in build/.

import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';

import { quietly } from './command.js';
import { Failure, ROOT } from './platforms/util.js';

/** The version of the Node that runs this, as a number. */
export const ownMajor = Number(process.versions.node.split('.')[0]);

/** The path of a Node of this major version that was fetched before; undefined when none was. */
export function fetchedNode(major) {
  const { binary } = placeOf(major);
  return versionOf(binary)?.startsWith(`v${major}.`) ? binary : undefined;
}

/** The path of a Node of this major version, fetched unless it is there. */
export async function nodeBinary(major) {
  const { name, folder, binary } = placeOf(major);
  if (fetchedNode(major)) return binary;

  // What an interrupted fetch left behind.
  rmSync(folder, { recursive: true, force: true });
  const quiet = ['--no-save', '--no-package-lock', '--no-audit', '--no-fund', '--ignore-scripts'];
  const command = ['npm', 'install', ...quiet, '--prefix', folder, `${name}@${major}`];
  await quietly(command, `Node ${major} cannot be fetched: npm has no ${name}@${major} to give.`);
  if (!versionOf(binary)) throw new Failure(`The Node of ${name}@${major} does not start here.`);
  return binary;
}

function placeOf(major) {
  const system = process.platform === 'win32' ? 'win' : process.platform;
  const name = `node-${system}-${process.arch}`;
  const folder = join(ROOT, 'build', `node-${major}`);
  const file = process.platform === 'win32' ? 'node.exe' : 'node';
  return { name, folder, binary: join(folder, 'node_modules', name, 'bin', file) };
}

/** What a Node says of its version; undefined when it cannot be started. */
export function versionOf(binary) {
  const { status, stdout } = spawnSync(binary, ['--version'], { encoding: 'utf8' });
  return status === 0 ? stdout.trim() : undefined;
}

import { cp, mkdir, readdir, symlink } from 'node:fs/promises';
import path from 'node:path';

import { extract } from 'tar';

import { execute } from './child.mjs';
import { CHECKOUT } from './package.mjs';

const modules = path.join(CHECKOUT, 'node_modules');

/** Packs the package into a folder, unless a tarball is what is tested; gives its path. */
export async function pack(folder) {
  const { TARBALL_UNDER_TEST } = process.env;
  if (TARBALL_UNDER_TEST) return TARBALL_UNDER_TEST;
  await mkdir(folder, { recursive: true });
  const command = ['npm', 'pack', '--json', '--ignore-scripts', '--pack-destination', folder];
  const { stdout } = await execute(command, { shell: process.platform === 'win32' }).ended;
  const [{ filename }] = JSON.parse(stdout);
  return path.join(folder, filename);
}

/** Unpacks a tarball as `logto connector add` does: the package alone, nothing installed. */
export async function unpack(tarball, folder) {
  await mkdir(folder, { recursive: true });
  await extract({ file: tarball, cwd: folder, strip: 1 });
  return folder;
}

/** Lays out Logto's core in a folder: its packages, with this kit and a loader that sees it. */
export async function layOutCore(folder, kit) {
  const inside = path.join(folder, 'node_modules');
  const logto = path.join(inside, '@logto');
  await mkdir(logto, { recursive: true });
  for (const [from, to, own] of [
    [modules, inside, ['@logto', '.bin', '.package-lock.json']],
    [path.join(modules, '@logto'), logto, ['connector-kit', 'cli', 'connector-smsaero']],
  ]) {
    const names = (await readdir(from)).filter((name) => !own.includes(name));
    await Promise.all(names.map((name) => symlink(path.join(from, name), path.join(to, name), 'junction')));
  }
  await symlink(path.join(modules, kit), path.join(logto, 'connector-kit'), 'junction');
  // A link would lead the loader to the kit of this repository.
  await cp(path.join(modules, '@logto/cli'), path.join(logto, 'cli'), { recursive: true });
}

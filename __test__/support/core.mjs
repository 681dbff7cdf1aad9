import { execFile } from 'node:child_process';
import { cp, mkdir, readdir, symlink } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { extract } from 'tar';

const root = fileURLToPath(new URL('../..', import.meta.url));
const modules = path.join(root, 'node_modules');
const execute = promisify(execFile);
const CONNECTOR = 'connector-smsaero-native';

/** Packs the package into a folder; gives the tarball's path. */
export async function pack(folder) {
  await mkdir(folder, { recursive: true });
  const args = ['pack', '--json', '--ignore-scripts', '--pack-destination', folder];
  const { stdout } = await execute('npm', args, { cwd: root, shell: process.platform === 'win32' });
  const [{ filename }] = JSON.parse(stdout);
  return path.join(folder, filename);
}

/** Unpacks a tarball as `logto connector add` does: the package alone, nothing installed. */
export async function unpack(tarball, folder) {
  await mkdir(folder, { recursive: true });
  await extract({ file: tarball, cwd: folder, strip: 1 });
  return folder;
}

/** Lays out Logto's core in a folder: its packages, with this kit and a loader that sees it, and our connector. */
export async function layOutCore(folder, kit, tarball) {
  const inside = path.join(folder, 'node_modules');
  const logto = path.join(inside, '@logto');
  await mkdir(logto, { recursive: true });
  for (const [from, to, own] of [
    [modules, inside, ['@logto', '.bin', '.package-lock.json']],
    [path.join(modules, '@logto'), logto, ['connector-kit', 'cli', 'connector-smsaero']],
  ]) {
    const names = (await readdir(from)).filter((name) => !own.includes(name));
    await Promise.all(
      names.map((name) => symlink(path.join(from, name), path.join(to, name), 'junction')),
    );
  }
  await symlink(path.join(modules, kit), path.join(logto, 'connector-kit'), 'junction');
  // A link would lead the loader to the kit of this repository.
  await cp(path.join(modules, '@logto/cli'), path.join(logto, 'cli'), { recursive: true });
  return unpack(tarball, path.join(folder, 'connectors', CONNECTOR));
}

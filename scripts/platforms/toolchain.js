// What a target is compiled with: Rust with a standard library, and for Linux zig as C compiler and linker.

import { chmodSync, existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { BUILD, Failure, run, TOOLS } from '../util.js';
import { debian, isDebian, wheel } from './fetch.js';

const ZIG = ['ziglang', 'cargo-zigbuild'].map((name) => `${name} ${TOOLS[name]}`);
// What the compiler of rust-web-src is loaded with; the rest of its dependencies is there or not needed.
const LIBRARIES = /^lib(std-rust-web|llvm|edit|bsd|md|z3|xml|icu|ffi)[\d-]|^libstd-rust-web-dev$/;

/** The cargo command, the environment and the compiler's flags for a target; what they are, for a stamp. */
export async function toolchain({ os, rust, glibc }) {
  if (os !== 'linux') {
    if (!(await hasStandardLibrary(rust))) {
      throw new Failure(`${rust} needs a standard library: rustup target add ${rust}`);
    }
    return describe({ command: ['build', '--target', rust], env: {}, flags: [] }, []);
  }
  const [zig, zigbuild] = await Promise.all([wheel('ziglang'), wheel('cargo-zigbuild')]);
  const caches = join(BUILD, 'zig-cache');
  const env = {
    PATH: `${join(zigbuild, 'bin')}:${process.env.PATH}`,
    CARGO_ZIGBUILD_ZIG_PATH: join(zig, 'ziglang', 'zig'),
    CARGO_ZIGBUILD_CACHE_DIR: caches,
    ZIG_GLOBAL_CACHE_DIR: caches,
    ZIG_LOCAL_CACHE_DIR: caches,
  };
  const target = glibc ? `${rust}.${glibc}` : rust;
  const command = ['zigbuild', '--target', target];
  const rustc = await withSources();
  if (rustc === undefined) return describe({ command, env, flags: [] });
  // Without `backtrace`, which reads symbols that a stripped addon does not have: 0.2 MB less.
  const std = ['-Zbuild-std=std,panic_unwind', '-Zbuild-std-features=panic-unwind'];
  return describe({
    command: [...command, ...std],
    env: { ...env, RUSTC: rustc, RUSTC_BOOTSTRAP: '1' },
    // The file and line of every possible panic are 0.09 MB; its message stays.
    flags: ['-Zlocation-detail=none'],
  });
}

/** A compiler that brings the sources of its standard library; nothing where there is none. */
async function withSources() {
  const sysroot = (await run(['rustc', '--print', 'sysroot'])).trim();
  if (existsSync(join(sysroot, 'lib/rustlib/src/rust/library/Cargo.lock'))) return 'rustc';
  if (!isDebian()) return undefined;
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

async function hasStandardLibrary(rust) {
  const folder = await run(['rustc', '--print', 'target-libdir', '--target', rust]);
  return existsSync(folder.trim());
}

async function describe({ command, env, flags }, tools = ZIG) {
  const version = await run([env.RUSTC ?? 'rustc', '--version']);
  return { command, env, flags, description: [version.trim(), ...tools, ...command].join(' ') };
}

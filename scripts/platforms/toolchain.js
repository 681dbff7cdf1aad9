// What a target is compiled with: Rust with a standard library, zig as C compiler and linker.

import { chmodSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { isDebian, unpackDebian } from './debian.js';
import { unpackWheel } from './python.js';
import { BUILD_FOLDER, Failure, run } from './util.js';

const ZIG_VERSION = '0.17.0';

/** The environment and the extra arguments with which cargo builds for a target. */
export async function toolchain({ rust, zig }) {
  const compiler = await rustFor(rust, zig);
  const linker = zig ? await zigFor(rust, zig) : { env: {}, version: 'the host linker' };
  return {
    env: { ...compiler.env, ...linker.env },
    args: compiler.args,
    flags: compiler.flags,
    description: `${compiler.version}, ${linker.version}`,
  };
}

// For Linux the standard library is built along, without the `backtrace` feature, which reads
// symbols that a stripped addon does not have: 0.2 MB less than with the one rustup delivers.
async function rustFor(rust, zig) {
  if (zig && (await hasSources())) return buildingStd('rustc');
  if (zig && isDebian()) return buildingStd(await debianRust());
  if (await hasStandardLibrary(rust))
    return { env: {}, args: [], flags: [], version: await version('rustc') };
  throw new Failure(`${rust} needs a standard library: rustup target add ${rust}`);
}

async function buildingStd(rustc) {
  return {
    env: { RUSTC: rustc, RUSTC_BOOTSTRAP: '1' },
    args: ['-Zbuild-std=std,panic_unwind', '-Zbuild-std-features=panic-unwind'],
    // The file and line of every possible panic are 0.09 MB; its message stays.
    flags: ['-Zlocation-detail=none'],
    version: `${await version(rustc)} with its std built`,
  };
}

async function hasSources() {
  const sysroot = (await run(['rustc', '--print', 'sysroot'], { capture: true })).trim();
  return existsSync(join(sysroot, 'lib', 'rustlib', 'src', 'rust', 'library', 'Cargo.lock'));
}

async function hasStandardLibrary(rust) {
  const command = ['rustc', '--print', 'target-libdir', '--target', rust];
  const folder = (await run(command, { capture: true })).trim();
  return existsSync(folder) && readdirSync(folder).some((name) => name.startsWith('libstd-'));
}

async function debianRust() {
  const libraries = /^lib(std-rust-web|llvm|edit|bsd|md|z3|xml|icu|ffi)[\d-]/;
  const folder = await unpackDebian('rust-web', ['rustc-web', 'rust-web-src'], {
    choose: (name) => libraries.test(name) || name === 'libstd-rust-web-dev',
  });
  const libraryPath = join(folder, 'usr', 'lib', 'x86_64-linux-gnu');
  const rustc = join(folder, 'usr', 'bin', 'rustc');
  // For the compiler alone: cargo and what build scripts start keep the machine's libraries.
  return wrapper('rustc', `LD_LIBRARY_PATH='${libraryPath}' exec '${rustc}' "$@"`);
}

/** The folder of zig, which also holds the sources of the unwinder that it links in. */
export async function zigFolder() {
  return join(await unpackWheel('zig', `ziglang==${ZIG_VERSION}`), 'ziglang');
}

async function zigFor(rust, target) {
  const zig = join(await zigFolder(), 'zig');
  // cc-rs adds Rust's name of the target, which zig does not know.
  const compiler = wrapper(
    `cc-${rust}`,
    `for word do
  shift
  case $word in --target=*) ;; *) set -- "$@" "$word" ;; esac
done
exec '${zig}' cc -target ${target} "$@"`,
  );
  const archiver = wrapper('ar', `exec '${zig}' ar "$@"`);
  const name = rust.replaceAll('-', '_');
  const env = {
    [`CC_${name}`]: compiler,
    [`AR_${name}`]: archiver,
    [`CARGO_TARGET_${name.toUpperCase()}_LINKER`]: compiler,
    ZIG_GLOBAL_CACHE_DIR: join(BUILD_FOLDER, 'zig-cache'),
    ZIG_LOCAL_CACHE_DIR: join(BUILD_FOLDER, 'zig-cache'),
  };
  return { env, version: `zig ${ZIG_VERSION} for ${target}` };
}

function wrapper(name, script) {
  const folder = join(BUILD_FOLDER, 'bin');
  mkdirSync(folder, { recursive: true });
  const file = join(folder, name);
  writeFileSync(file, `#!/bin/sh\n${script}\n`);
  chmodSync(file, 0o755);
  return file;
}

async function version(rustc) {
  return (await run([rustc, '--version'], { capture: true })).trim();
}

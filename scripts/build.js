// Builds the addon for this machine, and index.d.ts with it.

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

import { install } from './install.js';
import { host } from './platforms/runtimes.js';
import { binaryName, CARGO, libraryName } from './platforms/targets.js';
import { Failure, main, megabytes, putInPlace, ROOT, run } from './platforms/util.js';

const NAME = 'connector-smsaero-native-napi';

/** The addon that this machine's Node loads. */
export function addon() {
  return `lib/${binaryName(host().platform)}`;
}

/** Builds in release mode, with cargo's progress in sight. */
export async function build() {
  requireRust();
  const { platform } = host();
  const definitions = join(ROOT, 'build', 'typings');
  mkdirSync(definitions, { recursive: true });
  const started = Date.now();
  try {
    await run([...CARGO, '--target-dir', 'target'], { cwd: ROOT, env: environment(definitions) });
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    throw new Failure('The addon was not built; what the compiler says is above.');
  }
  const file = addon();
  putInPlace(join(ROOT, 'target', 'release', libraryName(platform)), join(ROOT, file));
  await declare(definitions);
  const seconds = ((Date.now() - started) / 1000).toFixed(1);
  console.log(`Built ${file}, ${megabytes(statSync(join(ROOT, file)).size)}, in ${seconds} s.`);
}

function environment(definitions) {
  // napi-derive writes down there what it exports, whenever it expands the crate.
  const env = { ...process.env, NAPI_TYPE_DEF_TMP_FOLDER: definitions };
  if (!existsSync(join(definitions, NAME))) {
    env.NAPI_FORCE_BUILD_CONNECTOR_SMSAERO_NATIVE_NAPI = String(Date.now());
  }
  // A library for a Node on musl shares Node's C library.
  if (host().platform.endsWith('musl')) env.RUSTFLAGS = '-Ctarget-feature=-crt-static';
  return env;
}

async function declare(typeDefDir) {
  // Not before there are packages.
  const { generateTypeDef } = await import('@napi-rs/cli');
  const dtsHeader = readFileSync(join(ROOT, 'napi/src/header.d.ts'), 'utf8');
  const options = { typeDefDir, dtsHeader, constEnum: false, cwd: ROOT };
  const { dts } = await generateTypeDef(options);
  writeFileSync(join(ROOT, 'index.d.ts'), dts);
}

/** Throws when there is no Rust. */
export function requireRust() {
  if (spawnSync('cargo', ['--version'], { stdio: 'ignore' }).status === 0) return;
  const [, version] = /^rust-version = "(.+)"$/m.exec(
    readFileSync(join(ROOT, 'Cargo.toml'), 'utf8'),
  );
  throw new Failure(
    `The addon is written in Rust, and there is no cargo here. Install Rust ${version} or newer from https://rustup.rs, then try again.`,
  );
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  await main(async () => {
    await install();
    await build();
  });
}

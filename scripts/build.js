// Builds the addon for this machine, and index.d.ts from its doc comments.
// Usage: build.js [--addon]; with it the addon alone, which takes no dependency from npm.

import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { install } from './install.js';
import { ADDON, binaryName, hostPlatform, libraryName } from './platforms/targets.js';
import { BUILD, Failure, isScript, main, megabytes, putInPlace, ROOT, readOptions, run, works } from './util.js';

const CRATE = 'connector-smsaero-native-napi';

/** The addon that this machine's Node loads. */
export const addon = () => `lib/${binaryName(hostPlatform())}`;

/** Builds it, by default with optimization. */
export async function build({ profile = 'release' } = {}) {
  await requireRust();
  const typings = join(BUILD, 'typings', CRATE);
  mkdirSync(dirname(typings), { recursive: true });
  // napi-derive appends to that file what the crate exports, but only when the compiler expands it.
  const earlier = existsSync(typings) ? readFileSync(typings) : undefined;
  rmSync(typings, { force: true });
  const env = { ...process.env, NAPI_TYPE_DEF_TMP_FOLDER: dirname(typings) };
  if (!earlier) env.NAPI_FORCE_BUILD_CONNECTOR_SMSAERO_NATIVE_NAPI = String(Date.now());
  // A library for a Node on musl shares Node's C library.
  if (hostPlatform().endsWith('musl')) env.RUSTFLAGS = '-Ctarget-feature=-crt-static';
  const flags = ADDON.filter((flag) => profile === 'release' || flag !== '--release');
  await run(['cargo', 'build', '--quiet', ...flags, '--target-dir', 'target'], {
    env,
    failure: 'The addon was not built; what the compiler says is above.',
  });
  if (earlier && !existsSync(typings)) writeFileSync(typings, earlier);
  putInPlace(join(ROOT, 'target', profile, libraryName(process.platform)), join(ROOT, addon()));
  return `${addon()}, ${megabytes(statSync(join(ROOT, addon())).size)}`;
}

/** Writes index.d.ts. */
export async function declare() {
  // Not before there are packages.
  const { generateTypeDef } = await import('@napi-rs/cli');
  const dtsHeader = readFileSync(join(ROOT, 'napi/src/header.d.ts'), 'utf8');
  const typeDefDir = join(BUILD, 'typings');
  const options = { typeDefDir, dtsHeader, constEnum: false, cwd: ROOT };
  writeFileSync(join(ROOT, 'index.d.ts'), (await generateTypeDef(options)).dts);
}

/** Throws when there is no Rust, or none of these parts of it. */
export async function requireRust(parts = {}) {
  if (!(await works(['cargo', '--version']))) {
    const [, version] = /^rust-version = "(.+)"$/m.exec(readFileSync(join(ROOT, 'Cargo.toml'), 'utf8'));
    throw new Failure(
      `The addon is written in Rust, and there is no cargo here. Install Rust ${version} or newer from https://rustup.rs, then try again.`,
    );
  }
  for (const [command, component] of Object.entries(parts)) {
    if (await works(['cargo', command, '--version'])) continue;
    throw new Failure(
      `Rust comes without ${component} here: run \`rustup component add ${component}\`, then try again.`,
    );
  }
}

if (isScript(import.meta.url)) {
  await main(async () => {
    const options = readOptions({ addon: { type: 'boolean' } });
    if (!options.addon) await install();
    console.log('Building the addon with cargo, which takes a minute or two the first time.');
    console.log(`Built ${await build()}.`);
    if (!options.addon) await declare();
  });
}

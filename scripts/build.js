// Builds the addon for this machine, and index.d.ts with it.

import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

import { tool } from './command.js';
import { install } from './install.js';
import { host } from './platforms/runtimes.js';
import { binaryName } from './platforms/targets.js';
import { Complaint, main, megabytes, ROOT, run } from './platforms/workshop.js';

/** The addon that this machine's Node loads. */
export function addon() {
  return `lib/${binaryName(host().platform)}`;
}

/** Builds in release mode, with cargo's progress in sight. */
export async function build() {
  requireRust();
  const header = readFileSync(join(ROOT, 'src/node/header.d.ts'), 'utf8');
  const binary = ['--release', '--platform', '--no-js', '--output-dir', 'lib'];
  const types = ['--no-const-enum', '--dts', '../index.d.ts', '--dts-header', header];
  const command = [...tool('napi', '@napi-rs/cli'), 'build', ...binary, ...types, '--', '--locked'];
  const started = Date.now();
  try {
    await run(command, { cwd: ROOT });
  } catch (error) {
    if (!(error instanceof Complaint)) throw error;
    throw new Complaint('The addon was not built; what the compiler says is above.');
  }
  const seconds = ((Date.now() - started) / 1000).toFixed(1);
  const file = addon();
  if (!existsSync(join(ROOT, file))) {
    throw new Complaint(`The compiler was content, but there is no ${file}.`);
  }
  console.log(`Built ${file}, ${megabytes(statSync(join(ROOT, file)).size)}, in ${seconds} s.`);
}

/** Complains when there is no Rust. */
export function requireRust() {
  if (spawnSync('cargo', ['--version'], { stdio: 'ignore' }).status === 0) return;
  const [, version] = /^rust-version = "(.+)"$/m.exec(
    readFileSync(join(ROOT, 'Cargo.toml'), 'utf8'),
  );
  throw new Complaint(
    `The addon is written in Rust, and there is no cargo here. Install Rust ${version} or newer from https://rustup.rs, then try again.`,
  );
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  await main(async () => {
    await install();
    await build();
  });
}

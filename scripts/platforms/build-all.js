// Builds the addon for every platform that this machine can build, or for those that are named.

import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

import { BUILD, Failure, hashOf, main, megabytes, putInPlace, ROOT, readOptions, run } from '../util.js';
import { checkBinary } from './check-binary.js';
import { ADDON, binaryName, libraryName, TARGETS } from './targets.js';
import { toolchain } from './toolchain.js';

const INPUTS = ['Cargo.toml', 'Cargo.lock', 'src', 'napi', 'scripts/platforms', 'scripts/tools.json'];

await main(async () => {
  const { words } = readOptions({});
  const possible = Object.keys(TARGETS).filter((name) => TARGETS[name].os === process.platform);
  const strange = words.find((name) => !possible.includes(name));
  if (strange !== undefined) {
    throw new Failure(`${strange} cannot be built here; ${possible.join(', ')} can.`);
  }
  for (const platform of words.length > 0 ? words : possible) await build(platform);
});

async function build(platform) {
  const target = TARGETS[platform];
  const tools = await toolchain(target);
  const binary = join(ROOT, 'lib', binaryName(platform));
  const stamp = join(BUILD, 'stamps', platform);
  const inputs = () => hashOf([...INPUTS, `lib/${binaryName(platform)}`], tools.description);
  const isCurrent = existsSync(stamp) && existsSync(binary) && readFileSync(stamp, 'utf8') === inputs();
  if (!isCurrent) {
    await compile(target, tools);
    const built = join(BUILD, 'target', target.rust, 'release', libraryName(target.os));
    await checkBinary(platform, built);
    putInPlace(built, binary);
    mkdirSync(join(BUILD, 'stamps'), { recursive: true });
    writeFileSync(stamp, inputs());
  }
  const size = megabytes(statSync(binary).size);
  console.log(`  ${platform}: ${size}${isCurrent ? ', unchanged' : ''}`);
}

function compile({ rust, os }, { command, env, flags: own }) {
  const flags = [
    ...own,
    // A library for Node on Alpine shares Node's C library.
    ...(rust.endsWith('musl') ? ['-Ctarget-feature=-crt-static'] : []),
    // Calls within the library go straight, not through a table of addresses: 0.07 to 0.15 MB.
    // With `now` what is left of the table is protected as by full relro.
    ...(os === 'linux' ? ['-Crelro-level=partial', '-Clink-arg=-Wl,-z,now'] : []),
    // No Visual C++ runtime to be installed first.
    ...(rust.endsWith('msvc') ? ['-Ctarget-feature=+crt-static'] : []),
    // Less inlining than LLVM's default: 0.25 MB at opt-level 3, and sends took no longer.
    '-Cllvm-args=-inline-threshold=25',
    // The same binary wherever it is built, and no path of the builder in it.
    `--remap-path-prefix=${ROOT}=./`,
    `--remap-path-prefix=${BUILD}=/build`,
    `--remap-path-prefix=${process.env.CARGO_HOME ?? join(homedir(), '.cargo')}=/cargo`,
  ];
  const settings = {
    CARGO_TARGET_DIR: join(BUILD, 'target'),
    CARGO_ENCODED_RUSTFLAGS: flags.join('\x1f'),
    // The oldest macOS that Node 20 runs on.
    MACOSX_DEPLOYMENT_TARGET: '11.0',
  };
  const environment = { ...process.env, ...settings, ...env };
  return run(['cargo', ...command, '--quiet', ...ADDON], { env: environment });
}

// Builds the addon for every platform that this machine can build, or for those that are named.

import { existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { constants, setPriority } from 'node:os';
import { join } from 'node:path';

import { checkBinary } from './check-binary.js';
import { binaryName, CARGO, libraryName, TARGETS } from './targets.js';
import { toolchain } from './toolchain.js';
import {
  BUILD_FOLDER,
  contents,
  Failure,
  main,
  megabytes,
  phase,
  putInPlace,
  ROOT,
  run,
  sha256,
  sha256OfFile,
  stamped,
} from './util.js';

const CARGO_TARGET = join(BUILD_FOLDER, 'target');
const INPUTS = [
  ...['Cargo.toml', 'Cargo.lock', 'src', 'napi'],
  ...['build-all.js', 'toolchain.js', 'targets.js'].map((name) => `scripts/platforms/${name}`),
];

await main(async () => {
  const platforms = chosen(process.argv.slice(2));
  // A build in the background is no reason for the rest of the machine to wait.
  setPriority(constants.priority.PRIORITY_BELOW_NORMAL);
  for (const platform of platforms) await build(platform);
});

function chosen(names) {
  const unknown = names.find((name) => !(name in TARGETS));
  if (unknown !== undefined) {
    throw new Failure(
      `There is no platform ${unknown}; there are ${Object.keys(TARGETS).join(', ')}.`,
    );
  }
  const possible = Object.keys(TARGETS).filter((name) => TARGETS[name].host === process.platform);
  const impossible = names.find((name) => !possible.includes(name));
  if (impossible !== undefined) {
    throw new Failure(
      `${impossible} is built on ${TARGETS[impossible].host}, not on ${process.platform}.`,
    );
  }
  return names.length > 0 ? names : possible;
}

async function build(platform) {
  const target = TARGETS[platform];
  const tools = await phase(`${platform}: tools`, () => toolchain(target));
  console.log(`  ${tools.description}`);

  const binary = join(ROOT, 'lib', binaryName(platform));
  const stampFile = join(BUILD_FOLDER, 'stamps', `${platform}.json`);
  const inputs = sha256(tools.description, ...INPUTS.flatMap(contents));
  const stamp = stamped(stampFile);
  if (stamp.inputs === inputs && existsSync(binary) && stamp.binary === sha256OfFile(binary)) {
    console.log(`  ${platform}: unchanged, ${megabytes(statSync(binary).size)}`);
    return;
  }

  await phase(`${platform}: cargo build`, () => compile(target, tools));
  const built = join(CARGO_TARGET, target.rust, 'release', libraryName(platform));
  putInPlace(built, binary, (file) => checkBinary(platform, file));
  mkdirSync(join(BUILD_FOLDER, 'stamps'), { recursive: true });
  writeFileSync(stampFile, JSON.stringify({ inputs, binary: sha256OfFile(binary) }));
  console.log(`  ${platform}: ${megabytes(statSync(binary).size)}`);
}

function compile({ rust, host }, { env, args, flags: own }) {
  const command = [...CARGO, '--target', rust, ...args];
  const flags = [
    ...own,
    // A library for Node on Alpine shares Node's C library.
    ...(rust.endsWith('musl') ? ['-Ctarget-feature=-crt-static'] : []),
    // Calls within the library go straight, not through a table of addresses: 0.07 to 0.15 MB.
    // With `now` what is left of the table is protected as by full relro.
    ...(host === 'linux' ? ['-Crelro-level=partial', '-Clink-arg=-Wl,-z,now'] : []),
    // No Visual C++ runtime to be installed first.
    ...(rust.endsWith('msvc') ? ['-Ctarget-feature=+crt-static'] : []),
    // Less inlining than LLVM's default: 0.25 MB at opt-level 3, and sends took no longer.
    '-Cllvm-args=-inline-threshold=25',
    // The same binary wherever it is built, and no path of the builder in it.
    `--remap-path-prefix=${ROOT}=./`,
    `--remap-path-prefix=${BUILD_FOLDER}=/build`,
    `--remap-path-prefix=${cargoHome()}=/cargo`,
  ];
  const settings = {
    CARGO_TARGET_DIR: CARGO_TARGET,
    CARGO_ENCODED_RUSTFLAGS: flags.join('\x1f'),
    // The oldest macOS that Node 20 runs on.
    MACOSX_DEPLOYMENT_TARGET: '11.0',
  };
  return run(command, { cwd: ROOT, env: { ...process.env, ...settings, ...env } });
}

function cargoHome() {
  const { CARGO_HOME, HOME, USERPROFILE } = process.env;
  return CARGO_HOME ?? join(HOME ?? USERPROFILE, '.cargo');
}

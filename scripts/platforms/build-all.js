// Builds the addon for every platform on a Linux machine, or for those that are named.

import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

import { BUILD, Failure, hashOf, isScript, main, megabytes, putInPlace, ROOT, readOptions, run } from '../util.js';
import { checkBinary } from './check-binary.js';
import { ADDON, binaryName, libraryName, TARGETS } from './targets.js';
import { toolchain } from './toolchain.js';

const INPUTS = [
  ...['Cargo.toml', 'Cargo.lock', 'src', 'napi'],
  ...['build-all', 'targets', 'toolchain'].map((name) => `scripts/platforms/${name}.js`),
];

/** Builds these; what has not changed is not built again. */
export async function buildAll(platforms) {
  if (process.platform !== 'linux') {
    throw new Failure('The binaries of a release are built on Linux; `npm run build` makes the one for this machine.');
  }
  for (const platform of platforms) await build(platform);
}

if (isScript(import.meta.url)) {
  await main(async () => {
    const { words } = readOptions({});
    const strange = words.find((name) => !TARGETS[name]);
    if (strange !== undefined) {
      throw new Failure(`There is no platform ${strange}; there are ${Object.keys(TARGETS).join(', ')}.`);
    }
    await buildAll(words.length > 0 ? words : Object.keys(TARGETS));
  });
}

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

function compile({ rust }, { command, env, flags: own }) {
  const flags = [
    ...own,
    // A library for Node on Alpine shares Node's C library.
    ...(rust.endsWith('musl') ? ['-Ctarget-feature=-crt-static'] : []),
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
  };
  const environment = { ...process.env, ...settings, ...env };
  return run(['cargo', ...command, '--quiet', ...ADDON], { env: environment });
}

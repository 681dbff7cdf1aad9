// What `npm test` does, in this order, and after it what only a release needs (`release`). `run` throws when something is
// wrong; it gives `tests` when it counted some, a `note` for the summary, or says why it was `leftOut`.

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { addon, build, requireRust } from './build.js';
import { listen, quietly, tool } from './command.js';
import { countCargo, countNode } from './counts.js';
import { checkHygiene } from './hygiene.js';
import { install } from './install.js';
import { nodeBinary, ownMajor, versionOf } from './nodes.js';
import { ARM64_RECORD, arm64Inputs, arm64Record, recordArm64 } from './platforms/arm64.js';
import { host } from './platforms/runtimes.js';
import { libraryName } from './platforms/targets.js';
import { testPlatforms } from './platforms/test-platforms.js';
import { Failure, megabytes, putInPlace, ROOT, run } from './platforms/util.js';
import { valgrind } from './platforms/valgrind.js';
import { checkTarball } from './tarball.js';

// They install Logto several times over, need a browser, build another addon or send thousands of messages.
const SLOW = ['deploy', 'examples', 'faults', 'inbox-page', 'install', 'lifecycle', 'memory'];
// Those that say most in the shortest time.
const QUICK = ['binding', 'contract', 'get-config', 'replies', 'settings', 'template-choice'];
// Where the spec reporter tells the failures once more.
const FAILURES = '✖ failing tests:';
// Far beyond what they need: a run that hangs ends with a failure, and does not wait for ever.
const FILE_LIMIT_MS = 10 * 60_000;
const RUN_LIMIT_MS = 20 * 60_000;
const FORMAT = 'run `npm run format`';

export const tasks = [
  {
    name: 'install',
    title: 'Development dependencies',
    run: async () => ({ note: await install() }),
  },
  { name: 'toolchain', title: 'Rust with rustfmt and clippy', run: toolchain },
  {
    name: 'hygiene',
    title: 'Paths, hosts and last lines of all files, and the lock file',
    run: hygiene,
  },
  { name: 'rustfmt', title: 'Rust is formatted', run: rustfmt },
  { name: 'biome', title: 'JavaScript is formatted and has no lint', run: biome },
  { name: 'clippy', title: 'Rust has no lint', run: clippy },
  { name: 'rust', title: 'Rust tests', run: () => rustTests('--workspace') },
  { name: 'rustdoc', title: 'Rust documentation', run: rustdoc },
  { name: 'build', title: 'The addon, and index.d.ts as it was', run: buildAddon },
  { name: 'types', title: 'The declarations compile', run: types },
  {
    name: 'node',
    title: "Node tests on this machine's Node",
    run: () => nodeTests(process.execPath, { files: (name) => !SLOW.includes(name) }),
  },
  { name: 'package', title: 'The tarball', run: tarball },
  {
    name: 'node-slow',
    title: 'Node tests that take minutes',
    release: true,
    run: () => nodeTests(process.execPath, { files: (name) => SLOW.includes(name) }),
  },
  {
    name: 'node-22',
    title: 'Node tests on Node 22',
    release: true,
    run: () => nodeTestsOn(22),
  },
  {
    name: 'node-24',
    title: 'Node tests on Node 24',
    release: true,
    run: () => nodeTestsOn(24),
  },
  {
    name: 'platforms',
    title: 'The Linux x64 pair, built, packed and tested',
    release: true,
    run: platforms,
  },
  {
    name: 'arm64',
    title: 'The Linux arm64 pair, when what it is made of has changed',
    release: true,
    run: arm64,
  },
  { name: 'workflows', title: 'The workflows, by actionlint', release: true, run: workflows },
  {
    name: 'deny',
    title: 'Licences, duplicates and advisories of what is compiled in',
    release: true,
    run: deny,
  },
  { name: 'fuzz', title: 'Fuzz targets, ten seconds each', release: true, run: fuzz },
  {
    name: 'instructions',
    title: 'What guard, rendering, request and verdict take, against the baseline',
    release: true,
    run: instructions,
  },
];

/** What to run after every change: the addon without optimization, and the tests that say most. */
export const checks = [
  ...tasks.filter(({ name }) => ['rustfmt', 'biome'].includes(name)),
  { name: 'clippy', title: 'Rust has no lint', run: clippy },
  { name: 'core', title: 'Rust tests of the core', run: () => rustTests('--lib') },
  { name: 'build', title: 'The addon, not optimized', run: buildForChecks },
  {
    name: 'node',
    title: "Node tests on this machine's Node",
    run: () =>
      nodeTests(process.execPath, { files: (name) => QUICK.includes(name), isQuiet: true }),
  },
];

async function toolchain() {
  requireRust();
  const starts = (part) =>
    spawnSync('cargo', [part, '--version'], { stdio: 'ignore' }).status === 0;
  const missing = [
    ['rustfmt', 'fmt'],
    ['clippy', 'clippy'],
  ].filter(([, command]) => !starts(command));
  if (missing.length > 0) {
    const names = missing.map(([name]) => name);
    const add = ['rustup', 'component', 'add', ...names];
    await quietly(
      add,
      `Rust comes without ${names.join(' and ')} here, and rustup cannot add them.`,
    );
  }
  return { note: (await quietly(['rustc', '--version'], 'rustc does not start.')).trim() };
}

async function hygiene() {
  return { note: `${await checkHygiene()} files` };
}

async function rustfmt() {
  await quietly(['cargo', 'fmt', '--check'], `Rust is not formatted: ${FORMAT}.`);
}

async function biome() {
  const check = ['check', '--error-on-warnings', '--max-diagnostics=50'];
  await quietly(
    [...tool('biome', '@biomejs/biome'), ...check],
    `JavaScript is not as biome.jsonc wants it: ${FORMAT}, and see above what is left.`,
  );
}

async function clippy() {
  await quietly(
    ['cargo', 'clippy', '--locked', '--workspace', '--all-targets', '--', '-D', 'warnings'],
    'clippy found something.',
    { progress: true },
  );
}

async function rustTests(which) {
  const command = ['cargo', 'test', '--locked', '--no-fail-fast', which];
  const { code, output, stdout } = await listen(command, { progress: true, env: undisturbed() });
  const tests = countCargo(stdout);
  if (code !== 0) {
    process.stdout.write(output);
    throw failed('Rust tests failed.', tests);
  }
  return { tests };
}

async function rustdoc() {
  const env = { ...process.env, RUSTDOCFLAGS: '-D warnings' };
  const command = ['cargo', 'doc', '--locked', '--workspace', '--no-deps'];
  await quietly(command, 'The Rust documentation has errors.', { progress: true, env });
}

async function buildAddon() {
  const before = declarations();
  await build();
  if (declarations() !== before) {
    throw new Failure(
      'index.d.ts did not say what the doc comments of napi/ say. It does now: look at the difference and commit it.',
    );
  }
}

function declarations() {
  const file = join(ROOT, 'index.d.ts');
  return existsSync(file) ? readFileSync(file, 'utf8') : '';
}

async function buildForChecks() {
  const command = ['cargo', 'build', '--locked', '-p', 'connector-smsaero-native-napi'];
  await quietly(command, 'The addon was not built.', { progress: true });
  const library = libraryName(host().platform);
  putInPlace(join(ROOT, 'target', 'debug', library), join(ROOT, addon()));
  return { note: '`npm run build` makes the optimized one' };
}

async function types() {
  const target = ['--target', 'es2023', '--lib', 'es2023,esnext.disposable', '--types', 'node'];
  const options = ['--noEmit', '--strict', '--module', 'nodenext', ...target];
  const files = ['index.d.ts', 'testing/index.d.ts'];
  await quietly(
    [...tool('tsc', 'typescript'), ...options, ...files],
    'The declarations do not compile.',
  );
}

async function nodeTestsOn(major) {
  if (major === ownMajor) return { leftOut: `this machine's Node is ${process.version}` };
  const binary = await nodeBinary(major);
  return nodeTests(binary, { isQuiet: true });
}

async function nodeTests(binary, { isQuiet = false, files: isWanted = () => true } = {}) {
  if (!existsSync(join(ROOT, addon()))) {
    throw new Failure(`There is no ${addon()}: run \`npm run build\` first.`);
  }
  const folder = join(ROOT, 'build', 'test');
  mkdirSync(folder, { recursive: true });
  const version = versionOf(binary);
  const tap = join(folder, `node-${version}.tap`);
  const reporters = [
    ...['--test-reporter=spec', '--test-reporter-destination=stdout'],
    ...['--test-reporter=tap', `--test-reporter-destination=${tap}`],
  ];
  // Node 20 takes no patterns.
  const names = readdirSync(join(ROOT, '__test__'))
    .filter((name) => name.endsWith('.test.mjs'))
    .filter((name) => isWanted(name.slice(0, -'.test.mjs'.length)));
  const files = names.map((name) => `__test__/${name}`);
  const limits = [`--test-timeout=${FILE_LIMIT_MS}`, '--test-concurrency=2'];
  const command = [binary, '--test', ...limits, ...reporters, ...files];
  const options = { cwd: ROOT, env: undisturbed(), timeout: RUN_LIMIT_MS, killSignal: 'SIGKILL' };
  const { code, output } = isQuiet
    ? await listen(command, options)
    : await runAloud(command, options);
  const tests = countNode(readFileSync(tap, 'utf8'));
  if (code !== 0 || tests.failed > 0) {
    if (isQuiet) process.stdout.write(output.slice(Math.max(0, output.lastIndexOf(FAILURES))));
    throw failed(`Node tests failed on ${version}.`, tests);
  }
  if (tests.passed === 0) throw new Failure(`No test ran on ${version}.`);
  return { tests, note: `Node ${version}` };
}

async function runAloud(command, options) {
  try {
    await run(command, options);
    return { code: 0 };
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    return { code: 1 };
  }
}

async function platforms() {
  if (!canTestLinux()) return { leftOut: 'for Linux x64' };
  await buildFor('linux-x64-musl', 'linux-x64-gnu');
  return { tests: await testPlatforms() };
}

// Emulated, and minutes to build: not for every run. The record is committed, so that a fresh clone knows too.
async function arm64({ isWanted }) {
  if (!canTestLinux()) return { leftOut: 'for Linux x64' };
  if (!isWanted && arm64Inputs() === arm64Record()) {
    return {
      leftOut:
        'nothing of it changed since it last passed; `npm run test:release -- arm64` runs it',
    };
  }
  await buildFor('linux-arm64-musl', 'linux-arm64-gnu');
  const tests = await testPlatforms({ arm64: true });
  return { tests, note: recordArm64() ? `commit ${ARM64_RECORD}` : undefined };
}

function canTestLinux() {
  return `${process.platform}-${process.arch}` === 'linux-x64';
}

// In a process of its own, which makes way for the rest of the machine.
async function buildFor(...names) {
  const script = join('scripts', 'platforms', 'build-all.js');
  await run([process.execPath, script, ...names], { cwd: ROOT });
}

async function workflows() {
  const lint = [process.execPath, join('scripts', 'platforms', 'lint-workflows.js')];
  await quietly(lint, 'actionlint finds fault with the workflows.');
}

async function tarball() {
  const { files, size } = await checkTarball();
  const publint = [...tool('publint'), 'run', '--strict', '.'];
  await quietly(publint, 'publint finds fault with the package.');
  const attw = [...tool('attw', '@arethetypeswrong/cli'), '--pack', '.', '--profile', 'esm-only'];
  await quietly(attw, 'TypeScript would not find the types of the package.');
  return { note: `${files} files, ${megabytes(size)}` };
}

/** The environment without the settings of whoever runs the tests, an account of SMS Aero among them. */
function undisturbed() {
  const entries = Object.entries(process.env);
  return Object.fromEntries(entries.filter(([name]) => !/^(SMSAERO_|NODE_OPTIONS$)/.test(name)));
}

function failed(sentence, tests) {
  return Object.assign(new Failure(sentence), { tests });
}

async function deny() {
  if (spawnSync('cargo', ['deny', '--version'], { stdio: 'ignore' }).status !== 0) {
    await run(['cargo', 'install', '--locked', '--quiet', 'cargo-deny'], { cwd: ROOT });
  }
  const check = ['cargo', 'deny', '--all-features', 'check'];
  await quietly([...check, 'bans', 'licenses', 'sources'], 'A crate is not as deny.toml wants it.');
  const licences = join(ROOT, 'build', 'THIRD-PARTY-LICENSES.md');
  const list = join(ROOT, 'build', 'sbom.cdx.json');
  const files = ['--notices', licences, '--sbom', list];
  const write = [join('scripts', 'platforms', 'licences.js'), ...files];
  await quietly([process.execPath, ...write], 'The licences could not be gathered.');
  if (
    readFileSync(licences, 'utf8') !== readFileSync(join(ROOT, 'THIRD-PARTY-LICENSES.md'), 'utf8')
  ) {
    throw new Failure('THIRD-PARTY-LICENSES.md is of other crates: run `npm run licences`.');
  }
  checkSbom(JSON.parse(readFileSync(list, 'utf8')));
  return { note: await advisories(check) };
}

/** Every crate of the list is known by a checksum, and the list says what needs what. */
function checkSbom({ bomFormat, components, dependencies }) {
  const known = new Set(components.map((component) => component['bom-ref']));
  const bare = components.filter(({ hashes }) => !/^[0-9a-f]{64}$/.test(hashes?.[0]?.content));
  const strange = dependencies.flatMap(({ dependsOn }) =>
    dependsOn.filter((ref) => !known.has(ref)),
  );
  if (bomFormat === 'CycloneDX' && known.size > 0 && bare.length + strange.length === 0) return;
  const names = [...bare.map(({ name }) => name), ...strange];
  throw new Failure(`The SBOM is not whole: ${names.join(', ') || 'it has no components'}.`);
}

/** Advisories live in databases that not every machine can reach; there, this says so instead of failing. */
async function advisories(check) {
  const known = await listen([...check, 'advisories']);
  if (known.code !== 0 && !/failed to fetch|Could not resolve/.test(known.output)) {
    process.stdout.write(known.output);
    throw new Failure('There is an advisory against a crate.');
  }
  const audit = await listen(['npm', 'audit', '--omit=dev', '--audit-level=high']);
  const isOut = audit.code !== 0 && /audit endpoint returned an error/.test(audit.output);
  if (audit.code !== 0 && !isOut) {
    process.stdout.write(audit.output);
    throw new Failure('There is an advisory against a package.');
  }
  const missing = [known.code !== 0 && 'for crates', isOut && 'for packages'].filter(Boolean);
  return missing.length > 0
    ? `no advisories ${missing.join(' or ')} to be had here`
    : 'no advisories';
}

async function fuzz() {
  await quietly(
    [process.execPath, join('scripts', 'fuzz.js'), '10'],
    'A fuzz target found something.',
    {
      progress: true,
    },
  );
}

async function instructions() {
  if (!(await valgrind())) return { leftOut: 'there is no valgrind here' };
  const count = [process.execPath, join('bench', 'instructions.js')];
  await quietly(count, 'The core takes more instructions than it did.', { progress: true });
}

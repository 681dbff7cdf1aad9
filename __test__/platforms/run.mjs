// Packs the package, unpacks it where nothing else is, and under every Node sends through it and runs the tests against it.
// Usage: run.mjs TARBALL; on the Node that runs it. arm64 is emulated, and has a smoke only: the tests would take too long.
// Windows is Wine, macOS is read only.

import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

import { countNode, sum } from '../../scripts/counts.js';
import { buildAll } from '../../scripts/platforms/build-all.js';
import { Unavailable } from '../../scripts/platforms/fetch.js';
import { pack } from '../../scripts/platforms/pack.js';
import { binaryName, hostPlatform } from '../../scripts/platforms/targets.js';
import {
  BUILD,
  Failure,
  hashOf,
  isScript,
  listen,
  main,
  megabytes,
  ROOT,
  readJson,
  run,
  TOOLS,
} from '../../scripts/util.js';
import { glibc, host, musl, wine } from './runtimes.mjs';

const SMOKE = fileURLToPath(new URL('smoke.mjs', import.meta.url));
const SMOKE_LIMIT_MS = 60_000;
// Far beyond what a file needs: one that hangs ends with a failure.
const FILE_LIMIT_MS = 5 * 60_000;
// They wait a good deal, for timeouts and for processes.
const LANES = availableParallelism() + 1;
// What Logto's core has that the connector uses.
const CORES_OWN = ['@logto/connector-kit', 'zod'];
// What the package promises to whoever loads it, the longest first. The others test the checkout: its documents, types,
// examples, memory.
const FILES = [
  ...[
    'package/cli',
    'faults/lifecycle',
    'contract/render.differential',
    'package/loader',
    'faults/proxy',
    'faults/trust',
  ],
  ...['unit/bad-input', 'unit/replies', 'contract/guard.differential', 'unit/secrets', 'package/standalone'],
  ...['unit/binding', 'contract/contract', 'contract/console', 'unit/trace', 'unit/template-choice', 'unit/get-config'],
  ...['unit/remembering', 'unit/settings', 'unit/gateways', 'unit/after-import', '../testing/gateway'],
];
// What Wine has not got: links to folders, counts of threads, output that is read while a program runs, a reset by Node.
const NOT_ON_WINE = /^(faults\/lifecycle|package\/(cli|loader)|..\/testing\/gateway)$/;
// What is emulated or cannot be run here: the binaries are built and read, and a smoke or all tests run on what there is.
const FOREIGN = {
  arm64: {
    platforms: ['linux-arm64-musl', 'linux-arm64-gnu'],
    runtimes: async () => [await glibc(22, 'arm64'), await musl(22, 'arm64')],
    files: [],
  },
  macos: { platforms: ['darwin-arm64', 'darwin-x64'], runtimes: async () => [] },
  windows: {
    platforms: ['win32-x64-msvc'],
    runtimes: async () => [await wine(22)],
    files: FILES.filter((file) => !NOT_ON_WINE.test(file)),
  },
};
// What their binaries and their test are made of.
const INPUTS = [
  ...['Cargo.toml', 'Cargo.lock', 'src', 'napi', 'lib/index.js', 'lib/refusal.js', 'testing/index.js'],
  ...['build-all', 'check-binary', 'targets', 'toolchain'].map((name) => `scripts/platforms/${name}.js`),
  ...['smoke', 'runtimes'].map((name) => `__test__/platforms/${name}.mjs`),
];
const RECORD = '__test__/platforms/passed.json';
const canTestLinux = `${process.platform}-${process.arch}` === 'linux-x64';

/** Builds the Linux x64 pair, packs it and tests the tarball on glibc and musl. */
export async function testPlatforms() {
  if (!canTestLinux) return { leftOut: 'for Linux x64' };
  const tarball = await buildAndPack(['linux-x64-musl', 'linux-x64-gnu']);
  return { tests: await testTarball(tarball, await linuxRuntimes()) };
}

/** The same for another system, when something has changed since it passed or it was asked for by name. */
export const testForeign =
  (name) =>
  async ({ isNamed }) => {
    if (!canTestLinux) return { leftOut: 'for Linux x64' };
    const { rust, ziglang, lief } = TOOLS;
    const hash = hashOf(INPUTS, rust, ziglang, lief);
    const passed = readJson(RECORD);
    if (!isNamed && passed[name] === hash) {
      return { leftOut: `unchanged since it passed; \`npm run test:release -- ${name}\` runs it` };
    }
    const { platforms, runtimes, files } = FOREIGN[name];
    const [tarball, nodes] = [await buildAndPack(platforms), await runtimes()];
    // Where there is none, the binaries were read as they were built.
    const tests = nodes.length > 0 ? await testTarball(tarball, nodes, { files }) : undefined;
    writeFileSync(join(ROOT, RECORD), `${JSON.stringify({ ...passed, [name]: hash }, null, 2)}\n`);
    return { tests, note: `commit ${RECORD}` };
  };

async function testTarball(tarball, runtimes, { files = FILES } = {}) {
  const bench = mkdtempSync(join(tmpdir(), 'connector-smsaero-native-'));
  try {
    const folder = await unpack(tarball, bench);
    const places = { folder, tarball, certificates: await certify(folder, bench) };
    const rows = [];
    for (const runtime of runtimes) {
      rows.push(smoke(runtime, places));
      if (files.length > 0) rows.push(await tests(runtime, places, 'alone', files));
      // As in Logto's image. The tests of the checkout do so on glibc.
      if (files === FILES && runtime.isLogtos) {
        const beside = besideCore(folder, join(bench, 'core'));
        rows.push(await tests(runtime, { ...places, folder: beside }, 'beside kit and zod', files));
      }
    }
    return summarize(rows);
  } finally {
    for (const { stop } of runtimes) await stop?.();
    rmSync(bench, { recursive: true, force: true });
  }
}

async function buildAndPack(platforms) {
  await buildAll(platforms);
  for (const platform of platforms) checkTable(platform, join(ROOT, 'lib', binaryName(platform)));
  return pack(join(BUILD, 'test-pack'), { platforms });
}

const ROW = /^\| ((?:linux|darwin|win32)-\w+) \| (musl|glibc|–) .*\| ([\d.]+) MB \|$/gm;
// README says it with one figure behind the point; a little more is for the next change.
const TOLERANCE_BYTES = 200_000;

/** Throws when README's table of platforms does not have the size of a binary. */
function checkTable(platform, file) {
  const [system, arch, libc] = platform.split('-');
  const library = { gnu: 'glibc', musl: 'musl' }[libc] ?? '–';
  const rows = [...readFileSync(join(ROOT, 'README.md'), 'utf8').matchAll(ROW)];
  const row = rows.find(([, name, beside]) => name === `${system}-${arch}` && beside === library);
  const { size } = statSync(file);
  if (row && Math.abs(size - Number(row[3]) * 1e6) <= TOLERANCE_BYTES) return;
  throw new Failure(
    `README's table of platforms says ${row?.[3] ?? 'no'} MB for ${platform}, which has ${megabytes(size)}.`,
  );
}

// One after the other: two updates of one list of Debian's packages would be in each other's way.
async function linuxRuntimes() {
  // npm's Nodes are for glibc.
  if (hostPlatform().endsWith('musl')) return [host()];
  const nodes = [await glibc(20), await glibc(22), await glibc(24)];
  try {
    return [...nodes, await musl(22)];
  } catch (error) {
    if (!(error instanceof Unavailable)) throw error;
    console.log(`  Without musl: ${error.message}`);
    return nodes;
  }
}

// tar, as Logto does it: no install, no scripts, no dependencies.
async function unpack(tarball, bench) {
  // By a bare name: some tars take the C of C:\ for a host.
  copyFileSync(tarball, join(bench, 'package.tgz'));
  await run(['tar', '-xzf', 'package.tgz'], { cwd: bench });
  return join(bench, 'package');
}

function besideCore(folder, core) {
  const target = join(core, 'connectors', 'connector-smsaero-native');
  if (existsSync(target)) return target;
  cpSync(folder, target, { recursive: true });
  for (const name of CORES_OWN) {
    const link = join(core, 'node_modules', name);
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(join(ROOT, 'node_modules', name), link, 'junction');
  }
  return target;
}

async function certify(folder, bench) {
  const { certificate } = await import(pathToFileURL(join(folder, 'testing', 'index.js')).href);
  const target = join(bench, 'certificates');
  mkdirSync(target);
  const [trusted, stranger] = [certificate(), certificate()];
  const files = {
    'ca.pem': trusted.ca,
    'key.pem': trusted.key,
    'cert.pem': trusted.cert,
    'stranger-key.pem': stranger.key,
    'stranger-cert.pem': stranger.cert,
  };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(target, name), text);
  return target;
}

function smoke({ name, platform, command: [node, ...start] }, { folder, certificates }) {
  const row = { name, what: 'smoke', tests: { failed: 1 } };
  if (!existsSync(join(folder, 'lib', binaryName(platform)))) {
    return { ...row, problems: ['there is no binary for it in the tarball'] };
  }
  const args = [...start, SMOKE, folder, certificates, binaryName(platform)];
  const env = { ...environment(), NODE_EXTRA_CA_CERTS: join(certificates, 'ca.pem') };
  const options = { encoding: 'utf8', timeout: SMOKE_LIMIT_MS, env };
  const { status, signal, error, stdout, stderr } = spawnSync(node, args, options);
  if (status === 0 && stdout.startsWith('ok ')) return { ...row, tests: { passed: 1 } };
  return { ...row, problems: [`${error?.code ?? signal ?? status}\n${stdout}${stderr}`] };
}

/** Runs the files a few at a time, each a process of its own: a test runner could not start this Node. */
async function tests({ name, command, stop }, { folder, tarball }, what, files) {
  const env = {
    ...environment(),
    CONNECTOR_UNDER_TEST: folder,
    TARBALL_UNDER_TEST: tarball,
    // On Wine a process sees Windows, and itself by a path of Windows.
    ...(!stop && { NODE_UNDER_TEST: JSON.stringify(command) }),
    // Properties are tried at length on the checkout; here it is the platform that is in question.
    FC_RUNS: '0.2',
  };
  const [waiting, row] = [[...files], { name, what, tests: {}, problems: [] }];
  const lane = async () => {
    for (let file = waiting.shift(); file; file = waiting.shift()) {
      const start = [...command, '--test-reporter=tap', join('__test__', `${file}.test.mjs`)];
      const options = { env, timeout: FILE_LIMIT_MS, killSignal: 'SIGKILL' };
      const { code, stdout, output } = await listen(start, options);
      const counts = countNode(stdout);
      const isPassed = code === 0 && counts.failed === 0 && counts.passed > 0;
      row.tests = sum(row.tests, isPassed ? counts : { ...counts, failed: counts.failed || 1 });
      const failures = stdout.match(/^ *not ok [\s\S]*?^ *\.\.\.$/gm) ?? [output];
      if (!isPassed) row.problems.push(`${file} ended with ${code}\n${failures.join('\n')}`);
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  return row;
}

// Next to nothing of this process: a variable of the developer must not decide.
function environment() {
  const { PATH, HOME, TMPDIR, SystemRoot } = process.env;
  return process.platform === 'win32' ? { PATH, SystemRoot } : { PATH, HOME, TMPDIR };
}

function summarize(rows) {
  for (const { name, what, tests: counts, problems = [] } of rows) {
    const { passed = 0, failed = 0, skipped = 0 } = counts;
    console.log(`  ${name}, ${what}: ${passed} passed, ${failed} failed, ${skipped} skipped`);
    for (const problem of problems) console.log(problem);
  }
  const total = rows.map((row) => row.tests).reduce(sum, {});
  if (total.failed === 0) return total;
  throw Object.assign(new Failure('The package does not pass everywhere; see above.'), {
    tests: total,
  });
}

if (isScript(import.meta.url)) {
  await main(() => testTarball(resolve(process.argv[2]), [{ ...host(), isLogtos: true }]));
}

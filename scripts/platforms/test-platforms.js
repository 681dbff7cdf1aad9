// Packs the package, unpacks it where nothing else is, and under every Node sends through it and runs the tests against it.
// Usage: test-platforms.js [--arm64] [--host] [--smoke] [--tarball FILE]
//   --arm64 arm64 alone, emulated: a smoke, for the tests would take too long; --host only the Node that runs this
//   --smoke without the tests, which need the development dependencies; --tarball instead of packing

import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';

import { sum } from '../counts.js';
import { contract, environment } from './contract.js';
import { pack } from './pack.js';
import { glibc, host, musl } from './runtimes.js';
import { checkTable } from './table.js';
import { binaryName } from './targets.js';
import { BUILD_FOLDER, Failure, main, megabytes, phase, ROOT, run } from './util.js';

const SMOKE = fileURLToPath(new URL('smoke.js', import.meta.url));
const PATIENCE_MS = 60_000;
// What Logto's core has that the connector uses.
const CORES_OWN = ['@logto/connector-kit', 'zod'];

/** Tests a tarball on platforms; gives how many tests passed, and throws of those that did not. */
export async function testPlatforms(options = {}) {
  const tarball = options.tarball
    ? resolve(options.tarball)
    : await phase('pack', () => packHere(options));
  const bench = mkdtempSync(join(tmpdir(), 'connector-smsaero-native-'));
  try {
    const folder = await unpack(tarball, bench);
    const places = { folder, tarball, certificates: await certify(folder, bench) };
    const rows = [];
    for (const makeRuntime of runtimes(options)) {
      const runtime = await makeRuntime();
      rows.push(await smoke(runtime, places));
      if (options.arm64 || options.smoke) continue;
      rows.push(await tests(runtime, places, 'alone'));
      // As in Logto's image. The tests of the checkout do so on glibc.
      if (runtime.platform.endsWith('musl') || options.host) {
        const beside = besideCore(folder, join(bench, 'core'));
        rows.push(await tests(runtime, { ...places, folder: beside }, 'beside kit and zod'));
      }
    }
    return report(rows);
  } finally {
    rmSync(bench, { recursive: true, force: true });
  }
}

async function packHere({ arm64 }) {
  const tested = ['musl', 'gnu'].map((libc) => `linux-${arm64 ? 'arm64' : 'x64'}-${libc}`);
  const options = arm64 ? { platforms: tested } : {};
  const { tarball, checksum, size } = await pack(join(BUILD_FOLDER, 'test'), options);
  checkTable(tested);
  console.log(`  ${basename(tarball)}, ${megabytes(size)}, sha256 ${checksum}`);
  return tarball;
}

function runtimes({ arm64, host: onlyHost }) {
  const isLinux = `${process.platform}-${process.arch}` === 'linux-x64';
  if (arm64 && !isLinux) throw new Failure('arm64 is emulated on Linux x64 only.');
  if (arm64) return [() => glibc(22, 'arm64'), () => musl(22, 'arm64')];
  if (onlyHost || !isLinux) return [host];
  return [() => glibc(20), () => glibc(22), () => glibc(24), () => musl(22)];
}

// tar, as Logto does it: no install, no scripts, no dependencies.
async function unpack(tarball, bench) {
  // By a bare name: some tars take the letter of a Windows drive for a host.
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
  const trusted = certificate();
  const stranger = certificate();
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

function smoke({ name, platform, command }, { folder, certificates }) {
  const row = { name, platform, what: 'smoke' };
  if (!existsSync(join(folder, 'lib', binaryName(platform)))) {
    return { ...row, verdict: 'FAILED', seconds: '', words: 'no binary for it in the tarball' };
  }
  const [node, ...start] = command;
  const since = performance.now();
  const words = [...start, SMOKE, folder, certificates, binaryName(platform)];
  const { status, signal, error, stdout, stderr } = spawnSync(node, words, {
    encoding: 'utf8',
    timeout: PATIENCE_MS,
    env: { ...environment(), NODE_EXTRA_CA_CERTS: join(certificates, 'ca.pem') },
  });
  const passed = status === 0 && stdout.startsWith('ok ');
  if (!passed) {
    console.error(`${name}: ${error?.code ?? signal ?? `exit ${status}`}\n${stdout}${stderr}`);
  }
  return {
    ...row,
    verdict: passed ? 'passed' : 'FAILED',
    tests: { passed: passed ? 1 : 0, failed: passed ? 0 : 1 },
    seconds: elapsed(since),
    words: passed ? stdout.trim() : 'see above',
  };
}

async function tests(runtime, places, what) {
  const since = performance.now();
  const { tests, problems } = await contract(runtime, places);
  for (const problem of problems) console.error(`${runtime.name}, ${what}: ${problem}`);
  const { passed, failed, skipped } = tests;
  return {
    name: runtime.name,
    platform: runtime.platform,
    what,
    verdict: failed === 0 ? 'passed' : 'FAILED',
    tests,
    seconds: elapsed(since),
    words: `${passed} tests passed, ${failed} failed, ${skipped} skipped`,
  };
}

function elapsed(since) {
  return ((performance.now() - since) / 1000).toFixed(1);
}

function report(rows) {
  const columns = ['name', 'platform', 'what', 'verdict', 'seconds', 'words'];
  const widths = columns.map((key) => Math.max(...rows.map((row) => row[key].length)));
  for (const row of rows) {
    const cells = columns.map((key, index) => row[key].padEnd(widths[index]));
    console.log(cells.join('  ').trimEnd());
  }
  const tests = rows.map((row) => row.tests ?? { failed: 1 }).reduce(sum, {});
  const failed = rows.filter(({ verdict }) => verdict === 'FAILED');
  if (failed.length === 0) return tests;
  const names = failed.map(({ name, what }) => `${name} (${what})`).join(', ');
  throw Object.assign(new Failure(`The package does not pass on ${names}; see above.`), {
    tests,
  });
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  await main(async () => {
    const options = {
      arm64: { type: 'boolean' },
      host: { type: 'boolean' },
      smoke: { type: 'boolean' },
      tarball: { type: 'string' },
    };
    await testPlatforms(parseArgs({ options }).values);
  });
}

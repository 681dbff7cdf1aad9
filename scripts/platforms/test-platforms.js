// Packs the package, unpacks it where nothing else is, and runs the smoke under every Node.
// Usage: test-platforms.js [--arm64] [--host] [--tarball FILE]
//   --arm64 also arm64, emulated; --host only the Node that runs this; --tarball instead of packing

import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';

import { pack } from './pack.js';
import { glibc, host, musl } from './runtimes.js';
import { binaryName } from './targets.js';
import { Complaint, main, phase, run, WORKSHOP } from './workshop.js';

const SMOKE = fileURLToPath(new URL('smoke.js', import.meta.url));
const PATIENCE_MS = 60_000;

await main(async () => {
  const options = {
    arm64: { type: 'boolean' },
    host: { type: 'boolean' },
    tarball: { type: 'string' },
  };
  const { values } = parseArgs({ options });
  const tarball = values.tarball
    ? resolve(values.tarball)
    : (await phase('pack', () => pack(join(WORKSHOP, 'test')))).tarball;

  const bench = mkdtempSync(join(tmpdir(), 'connector-smsaero-native-'));
  try {
    const folder = await unpack(tarball, bench);
    const certificates = await certify(folder, bench);
    const rows = [];
    for (const makeRuntime of runtimes(values))
      rows.push(await test(makeRuntime, folder, certificates));
    report(rows);
  } finally {
    rmSync(bench, { recursive: true, force: true });
  }
});

function runtimes({ arm64, host: onlyHost }) {
  if (onlyHost || `${process.platform}-${process.arch}` !== 'linux-x64') return [host];
  const pair = [() => glibc(20), () => glibc(22), () => glibc(24), () => musl(22)];
  return arm64 ? [...pair, () => glibc(22, 'arm64'), () => musl(22, 'arm64')] : pair;
}

// tar, as Logto does it: no install, no scripts, no dependencies.
async function unpack(tarball, bench) {
  // By a bare name: some tars take the letter of a Windows drive for a host.
  copyFileSync(tarball, join(bench, 'package.tgz'));
  await run(['tar', '-xzf', 'package.tgz'], { cwd: bench });
  return join(bench, 'package');
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

async function test(makeRuntime, folder, certificates) {
  const { name, platform, command, env } = await makeRuntime();
  if (!existsSync(join(folder, 'lib', binaryName(platform)))) {
    return {
      name,
      platform,
      verdict: 'FAILED',
      seconds: '',
      words: 'no binary for it in the tarball',
    };
  }
  const [node, ...start] = command;
  const started = performance.now();
  const words = [...start, SMOKE, folder, certificates, binaryName(platform)];
  const { status, signal, error, stdout, stderr } = spawnSync(node, words, {
    encoding: 'utf8',
    timeout: PATIENCE_MS,
    env: { ...environment(), ...env, NODE_EXTRA_CA_CERTS: join(certificates, 'ca.pem') },
  });
  const passed = status === 0 && stdout.startsWith('ok ');
  if (!passed) {
    console.error(`${name}: ${error?.code ?? signal ?? `exit ${status}`}\n${stdout}${stderr}`);
  }
  return {
    name,
    platform,
    verdict: passed ? 'passed' : 'FAILED',
    seconds: ((performance.now() - started) / 1000).toFixed(1),
    words: passed ? stdout.trim() : 'see above',
  };
}

// Next to nothing of this process: a variable of the developer must not decide.
function environment() {
  const { PATH, SystemRoot } = process.env;
  return process.platform === 'win32' ? { PATH, SystemRoot } : { PATH };
}

function report(rows) {
  const columns = ['name', 'platform', 'verdict', 'seconds', 'words'];
  const widths = columns.map((key) => Math.max(...rows.map((row) => row[key].length)));
  for (const row of rows) {
    console.log(
      columns
        .map((key, index) => row[key].padEnd(widths[index]))
        .join('  ')
        .trimEnd(),
    );
  }
  const failed = rows.filter(({ verdict }) => verdict === 'FAILED');
  if (failed.length > 0)
    throw new Complaint(`${failed.length} of ${rows.length} platforms failed.`);
}

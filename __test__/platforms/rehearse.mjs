// A release on this machine: builds, packs, publishes to a registry on loopback, and installs from there as users do.
// Usage: rehearse.mjs [VERSION]; the next minor version unless one is named. Nothing is published anywhere else.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { copyFileSync, mkdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, delimiter, dirname, join } from 'node:path';

import { buildAll } from '../../scripts/platforms/build-all.js';
import { npmPackage } from '../../scripts/platforms/fetch.js';
import { pack } from '../../scripts/platforms/pack.js';
import { TARGETS } from '../../scripts/platforms/targets.js';
import { notes, obstacles } from '../../scripts/release.js';
import { BUILD, Failure, main, readJson, readOptions, run, TOOLS } from '../../scripts/util.js';
import { execute, fixture, temporaryFolder } from '../support/child.mjs';
import { validConfig } from '../support/configs.mjs';
import { environment, layOutLogto, logto, startCore } from '../support/logto.mjs';
import { message, openGateway } from '../support/setup.mjs';
import { glibc } from './runtimes.mjs';

const NAME = 'connector-smsaero-native';
const FOLDER = join(BUILD, 'rehearsal');
const step = (sentence) => console.log(`» ${sentence}`);

await main(async () => {
  const [version = nextMinor()] = readOptions({}).words;
  step('What would stop the release');
  console.log((await obstacles()).map((one) => `  ${one}`).join('\n') || '  nothing');
  step(`Version ${version}: seven binaries, one tarball`);
  await buildAll(Object.keys(TARGETS));
  rmSync(FOLDER, { recursive: true, force: true });
  mkdirSync(FOLDER, { recursive: true });
  const tarball = await pack(FOLDER, { isComplete: true, version });
  step('What goes beside it');
  const sbom = join(FOLDER, 'sbom.cdx.json');
  await run(['npm', 'run', '--silent', 'licences', '--', '--sbom', sbom]);
  writeFileSync(join(FOLDER, 'notes.md'), notes(version));
  const sums = [tarball, sbom].map((file) => `${sha256(file)}  ${basename(file)}\n`).join('');
  writeFileSync(join(FOLDER, 'SHA256SUMS'), sums);
  process.stdout.write(sums.replace(/^/gm, '  ').trimEnd());
  console.log(`\n  ${JSON.parse(readFileSync(sbom)).components.length} components in the SBOM`);
  console.log(notes(version).split('\n').slice(0, 5).join('\n').replace(/^/gm, '  '));
  const registry = await startRegistry();
  const gateway = await openGateway();
  try {
    await publish(tarball, registry);
    for (const major of [20, 22, 24]) await installWithNpm(major, registry, version);
    await addToLogto(registry, gateway);
    await runByNpx(registry, gateway, version);
  } finally {
    await Promise.all([registry.stop(), gateway.stop()]);
  }
  console.log(`\nThe release would be what is in build/${basename(FOLDER)}.`);
});

function nextMinor() {
  const [major, minor] = readJson('package.json').version.split('.').map(Number);
  return `${major}.${minor + 1}.0`;
}

function sha256(file) {
  return createHash('sha256').update(readFileSync(file)).digest('hex');
}

/** verdaccio with an empty store; other packages come through it from the machine's own registry. */
async function startRegistry() {
  // One of its parts asks for a tag instead of a version, which not every registry has.
  const folder = await npmPackage('verdaccio', TOOLS.verdaccio, [], { 'node-fetch': '2.7.0' });
  const { runServer } = createRequire(import.meta.url)(folder);
  const home = temporaryFolder();
  const machine = (await run(['npm', 'config', 'get', 'registry'])).trim();
  const everybody = { access: '$all', publish: '$all' };
  const server = await runServer({
    configPath: join(home, 'config.yaml'),
    self_path: join(home, 'config.yaml'),
    storage: join(home, 'storage'),
    uplinks: { machine: { url: machine } },
    packages: { [NAME]: everybody, '**': { ...everybody, proxy: 'machine' } },
    web: { enable: false },
    // npm sends the tarball in base64, which is more than the 10 MB it takes unasked.
    max_body_size: '50mb',
    log: { type: 'stdout', format: 'pretty', level: 'fatal' },
  });
  server.listen({ host: '127.0.0.1', port: 0 });
  await once(server, 'listening');
  const { port } = server.address();
  return {
    url: `http://127.0.0.1:${port}/`,
    credentials: `//127.0.0.1:${port}/:_authToken=rehearsal\n`,
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

async function publish(tarball, registry) {
  step('Published, to a registry on this machine');
  const home = temporaryFolder();
  writeFileSync(join(home, 'npmrc'), registry.credentials);
  await must(['npm', 'publish', '--ignore-scripts', '--access', 'public', tarball], {
    cwd: home,
    env: environment({ home }, registry),
  });
}

async function installWithNpm(major, registry, version) {
  const { command } = await glibc(major);
  step(`npm install, on Node ${major}`);
  const app = temporaryFolder();
  // npm starts whatever node is first.
  const place = environment({ home: app }, registry);
  const env = { ...place, PATH: [dirname(command[0]), place.PATH].join(delimiter) };
  writeFileSync(join(app, 'package.json'), '{"private":true,"type":"module"}');
  await must([...command, npmCli(), 'install', '--ignore-scripts', NAME], { cwd: app, env });
  copyFileSync(fixture('installed'), join(app, 'installed.mjs'));
  const input = JSON.stringify({ message: message(), config: validConfig() });
  const { stdout } = await must([...command, 'installed.mjs', input], { cwd: app, env });
  assert.equal(stdout, 'true true\n');
  assert.equal(JSON.parse(readFileSync(join(app, 'node_modules', NAME, 'package.json'))).version, version);
  console.log('  imports, sends, and fails with the errors of the kit');
}

/** The npm beside this Node, which runs on others as well. */
function npmCli() {
  const root = join(dirname(realpathSync(process.execPath)), '..', 'lib/node_modules/npm');
  return join(root, 'bin/npm-cli.js');
}

async function addToLogto(registry, gateway) {
  step('`logto connector add`, by name');
  const place = await layOutLogto();
  const { code, output } = await logto(place, registry, 'add', NAME);
  assert.equal(code, 0, output);
  const { connectors } = await startCore(place, gateway, [message(), validConfig()]);
  assert.deepEqual(
    connectors.map(({ success, outcome }) => [success, outcome]),
    [[true, 'sent']],
    output,
  );
  console.log("  Logto's own loader takes it, and it sends");
}

async function runByNpx(registry, gateway, version) {
  step('npx, in an empty folder');
  const cwd = temporaryFolder();
  const env = { ...environment({ home: cwd }, registry), SMSAERO_GATEWAYS: gateway.url };
  const config = validConfig({ senderName: 'Shop', fallbackToGeneric: true });
  gateway.account.signs = [config.senderName];
  writeFileSync(join(cwd, 'connector.json'), JSON.stringify(config));
  const npx = (...words) => must(['npx', '--yes', NAME, ...words], { cwd, env });
  const { stdout } = await npx('--version');
  assert.equal(stdout, `${version}\n`);
  const { stdout: report } = await npx('doctor', '--config', 'connector.json');
  const { stdout: shown } = await npx('demo');
  assert.match(shown, /Nothing was sent to anybody/);
  console.log(`  doctor: ${report.trimEnd().split('\n').at(-1)}\n  demo: from a configuration to four messages`);
}

async function must(command, options) {
  const result = await execute(command, options).ended;
  if (result.code === 0) return result;
  throw new Failure(`${command.slice(0, 4).join(' ')} ended with ${result.code}:\n${result.output}`);
}

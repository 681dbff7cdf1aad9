// A folder that Logto's own CLI takes for an installed Logto, and what its core does with the connectors in there.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';

import { run, temporaryFolder } from './child.mjs';
import { layOutCore } from './core.mjs';
import { CHECKOUT } from './package.mjs';

const BIN = path.join(CHECKOUT, 'node_modules/@logto/cli/bin/logto.js');

// Inside core, as its start does it: what each folder gives, what the stored configuration is worth, and a message.
const START = `
import { buildRawConnector, loadConnectorFactories } from '@logto/cli/lib/connector/index.js';
import { getConnectorPackagesFromDirectory } from '@logto/cli/lib/utils.js';
import nock from 'nock';

const [message, stored] = JSON.parse(process.argv[2]);
const said = [];
const { log } = console;
console.log = console.error = console.warn = (...words) => said.push(words.join(' '));
// Where the official connector writes to; ours has a gateway of the test's.
const requests = [];
nock('https://gate.smsaero.ru').persist().post('/v2/sms/send').reply(200, {})
  .on('request', ({ method, path, headers }, interceptor, body) => requests.push({ method, path, headers, body }));

const folders = await getConnectorPackagesFromDirectory(process.cwd() + '/connectors');
const factories = await loadConnectorFactories(folders, false);
const connectors = [];
for (const factory of factories) {
  const { rawConnector } = await buildRawConnector(factory, async () => stored);
  const { success } = factory.configGuard.safeParse(stored);
  const told = await rawConnector.sendMessage(message).then(() => 'sent', (error) => String(error));
  connectors.push({ id: factory.metadata.id, folder: factory.path, success, told });
}
log(JSON.stringify({ folders, connectors, requests, said }));
`;

/** Lays out a Logto without connectors. */
export async function layOutLogto() {
  const home = await temporaryFolder();
  const instance = path.join(home, 'logto');
  const core = path.join(instance, 'packages/core');
  await layOutCore(core, '@logto/connector-kit');
  await writeFile(path.join(core, 'package.json'), '{"name":"@logto/core","type":"module"}');
  await mkdir(path.join(core, 'connectors'));
  const root = { name: 'logto', private: true, scripts: { cli: 'logto' } };
  await writeFile(path.join(instance, 'package.json'), JSON.stringify(root));
  await mkdir(path.join(instance, 'node_modules/.bin'), { recursive: true });
  await symlink(BIN, path.join(instance, 'node_modules/.bin/logto'));
  return { home, instance, core, connectors: path.join(core, 'connectors') };
}

/** The environment of a machine on which npm knows this registry and no other. */
export function environment({ home }, registry) {
  const { PATH, SystemRoot } = process.env;
  return {
    PATH: [path.dirname(process.execPath), PATH].join(path.delimiter),
    ...(SystemRoot && { SystemRoot }),
    HOME: home,
    NO_COLOR: '1',
    npm_config_registry: registry.url,
    npm_config_cache: path.join(home, 'npm-cache'),
    npm_config_userconfig: path.join(home, 'npmrc'),
    npm_config_globalconfig: path.join(home, 'global-npmrc'),
    npm_config_update_notifier: 'false',
    npm_config_fetch_retries: '0',
  };
}

/** `logto connector …` in the folder of a Logto; gives its exit code and what it said. */
export function logto(place, registry, ...args) {
  return execute(process.execPath, [BIN, 'connector', ...args], {
    cwd: place.instance,
    env: environment(place, registry),
  });
}

/** Runs a command to its end. */
export async function execute(command, args, options) {
  const child = spawn(command, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 120_000,
    ...options,
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text) => {
      output += text;
    });
  }
  const [code, signal] = await once(child, 'close');
  return { code: code ?? signal, output };
}

/** Starts core as far as connectors go, and sends a message through each. */
export function start({ core }, gateway, [message, stored], within) {
  const args = [JSON.stringify([message, stored])];
  return run(START, { cwd: core, args, within, env: { SMSAERO_GATEWAYS: gateway.url } });
}

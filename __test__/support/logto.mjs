// A folder that Logto's own CLI takes for an installed Logto, and what its core does with the connectors in there.

import { copyFile, mkdir, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';

import { answerOf, execute, fixture, temporaryFolder } from './child.mjs';
import { layOutCore } from './core.mjs';
import { CHECKOUT } from './package.mjs';

const BIN = path.join(CHECKOUT, 'node_modules/@logto/cli/bin/logto.js');

/** Lays out a Logto without connectors. */
export async function layOutLogto() {
  const home = temporaryFolder();
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

/** `logto connector …` in the folder of a Logto; gives its exit code and its output. */
export function logto(place, registry, ...args) {
  const command = [process.execPath, BIN, 'connector', ...args];
  return execute(command, { cwd: place.instance, env: environment(place, registry) }).ended;
}

/** Starts core as far as connectors go, and sends a message through each. */
export async function startCore({ core }, gateway, [message, stored], within) {
  const program = path.join(core, 'core-start.mjs');
  await copyFile(fixture('core-start'), program);
  const env = { SMSAERO_GATEWAYS: gateway.url };
  return answerOf(program, { cwd: core, input: { message, stored }, within, env });
}

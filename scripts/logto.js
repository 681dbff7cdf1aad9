// As much of Logto as deals with a connector: the folders of its core, and its own code where a package of it has that.

import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import { quietly } from './command.js';
import { Failure, megabytes, ROOT } from './platforms/util.js';

// What Logto's core answers a connector's error with, in HTTP; 400 for all others.
const STATUS = { rate_limit_exceeded: 429, not_implemented: 501 };
const CORES_OWN = ['@logto/connector-kit', 'zod'];

/** Packs the package and adds it to a Logto that has nothing else; gives that Logto. */
export async function startLogto() {
  const instance = mkdtempSync(join(tmpdir(), 'logto-'));
  const remove = () => removeFolder(instance);
  try {
    const connectors = layOut(instance);
    await pack(connectors);
    return { ...(await load(instance, connectors)), remove };
  } catch (error) {
    remove();
    throw error;
  }
}

function layOut(instance) {
  const core = join(instance, 'packages', 'core');
  for (const name of CORES_OWN) {
    const link = join(core, 'node_modules', name);
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(join(ROOT, 'node_modules', name), link, 'junction');
  }
  const connectors = join(core, 'connectors');
  mkdirSync(connectors);
  return connectors;
}

async function pack(folder) {
  const command = ['npm', 'pack', '--json', '--ignore-scripts', '--pack-destination', folder];
  const [{ filename, size, files }] = JSON.parse(await quietly(command, 'npm pack failed.'));
  console.log(`   npm pack: ${filename}, ${files.length} files, ${megabytes(size)}`);
}

async function load(instance, connectors) {
  const { addConnectors, buildRawConnector, getPackages, loadConnectorFactories } = await cli();
  const { name, version } = manifest(ROOT);

  await addConnectors(instance, [`${name}-${version}.tgz`]);
  const [factory] = await loadConnectorFactories(await getPackages(connectors), false);
  if (!factory) throw new Failure(`Logto's loader does not take ${name}; it says above why.`);

  const { ConnectorError, validateConfig } = await import('@logto/connector-kit');
  const { default: phrases } = await import('@logto/phrases');
  let stored;
  return {
    metadata: factory.metadata,
    versions: {
      cli: versionOf('@logto/cli'),
      kit: versionOf('@logto/connector-kit'),
      own: version,
    },
    /** The Console's "Save". */
    save(config) {
      validateConfig(config, factory.configGuard);
      stored = config;
    },
    /** The Console's "Send" beside "Test your connector". */
    async test(to, config) {
      const { rawConnector } = await buildRawConnector(factory);
      const data = { to, type: 'Generic', payload: { code: '000000' } };
      return rawConnector.sendMessage(data, config);
    },
    /** A flow of the sign-in page. */
    async send(to, type, payload) {
      const { rawConnector } = await buildRawConnector(factory, async () => stored);
      const { sendMessage } = { ...rawConnector };
      return sendMessage({ to, type, payload });
    },
    /** What Logto's core answers to the browser when the connector failed. */
    answerTo(error) {
      if (!(error instanceof ConnectorError)) {
        throw new Failure(
          'Logto would not know the error for a ConnectorError, and answer HTTP 500.',
        );
      }
      const { code, data } = error;
      const phrase = phrases.en.errors.connector[code];
      const message = phrase.replace('{{errorDescription}}', data.errorDescription);
      return { status: STATUS[code] ?? 400, code: `connector.${code}`, message };
    },
  };
}

async function cli() {
  // Its colours heed no NO_COLOR; this it reads once, and the children of this process must not inherit it.
  const { FORCE_COLOR } = process.env;
  if (process.env.NO_COLOR) process.env.FORCE_COLOR = '0';
  const { addConnectors } = await import('@logto/cli/lib/commands/connector/utils.js');
  if (FORCE_COLOR === undefined) delete process.env.FORCE_COLOR;
  else process.env.FORCE_COLOR = FORCE_COLOR;

  const { getConnectorPackagesFromDirectory: getPackages } = await import(
    '@logto/cli/lib/utils.js'
  );
  const loader = await import('@logto/cli/lib/connector/index.js');
  return { ...loader, addConnectors, getPackages };
}

function versionOf(name) {
  return manifest(join(ROOT, 'node_modules', name)).version;
}

function manifest(folder) {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
}

function removeFolder(folder) {
  try {
    rmSync(folder, { recursive: true, force: true });
  } catch {
    // Windows keeps a loaded addon until the process ends; the system clears its temporary folder.
  }
}

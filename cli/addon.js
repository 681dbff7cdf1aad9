import { readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const lib = fileURLToPath(new URL('../lib/', import.meta.url));

/** The version of this package. */
export const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));

/** The connector, or why it cannot be loaded. */
export const load = async () => {
  try {
    return { connector: await import('../lib/index.js'), error: null };
  } catch (error) {
    return { connector: null, error: String(error?.message ?? error) };
  }
};

// Loaded without `require`, it is in no cache of Node's.
const loadedFile = () => {
  const { sharedObjects } = process.report.getReport();
  return sharedObjects.find((name) => name.startsWith(lib) && name.endsWith('.node'));
};

/** What the addon finds out about the way to a gateway or the proxy, over the connector's own connections. */
export const ask = async (question) => {
  const addon = { exports: {} };
  process.dlopen(addon, loadedFile());
  return addon.exports.diagnose(JSON.stringify(question));
};

/** The native file in use, after it was loaded. */
export const binary = () => {
  const file = loadedFile();
  if (file === undefined) return { file: null, sizeBytes: null, libc: null };
  const name = path.basename(file);
  return { file: name, sizeBytes: statSync(file).size, libc: libcOf(name) };
};

const libcOf = (name) => {
  if (process.platform !== 'linux') return null;
  if (name.includes('musl')) return 'musl';
  const { glibcVersionRuntime } = process.report.getReport().header;
  return glibcVersionRuntime ? `glibc ${glibcVersionRuntime}` : 'glibc';
};

/** The templates that a new configuration has in Logto's Console. */
export const defaultTemplates = async (connector) => {
  const { metadata } = await connector.createConnector({
    getConfig: async () => ({}),
    gateways: SOME,
  });
  return metadata.formItems.find(({ key }) => key === 'templates').defaultValue;
};

// So that a variable that cannot be used does not stand in the way of a look at the metadata.
const SOME = 'https://gate.smsaero.ru';

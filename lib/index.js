// The entry point that Logto imports. All that always runs is in here: a further module costs a third of a millisecond of its start.

// Not by `import`, which makes a module of each with all that it exports: together half a millisecond.
const { getBuiltinModule, hrtime } = process;
const { AsyncResource } = getBuiltinModule('node:async_hooks');
const { closeSync, fstatSync, openSync, readFileSync, readSync } = getBuiltinModule('node:fs');
const { clearTimeout, setInterval, setTimeout } = getBuiltinModule('node:timers');
const { fileURLToPath } = getBuiltinModule('node:url');

const withFile = (path, read) => {
  const file = openSync(path);
  try {
    return read(file);
  } finally {
    closeSync(file);
  }
};

const beginning = (file, length) => {
  const bytes = Buffer.alloc(length);
  readSync(file, bytes, 0, length, 0);
  return bytes;
};

// What this process itself runs on; a file of the system may name another C library. The program names its loader
// on its first page; one that was started by its loader is the loader, and only its memory shows it.
const runsOnMusl = () => {
  try {
    const page = withFile('/proc/self/exe', (file) => beginning(file, 4096)).latin1Slice();
    if (page.includes('/ld-linux')) return false;
    return page.includes('/ld-musl') || readFileSync('/proc/self/maps', 'latin1').includes('musl');
  } catch {
    return false;
  }
};

// Likely ones first, but each is tried: whether a library loads says more than any guess.
const candidates = () => {
  const { platform, arch } = process;
  if (platform === 'win32') return [`win32-${arch}-msvc`];
  if (platform !== 'linux') return [`${platform}-${arch}`];
  const libraries = runsOnMusl() ? ['musl', 'gnu'] : ['gnu', 'musl'];
  return libraries.map((library) => `linux-${arch}-${library}`);
};

// Where an ELF file says that its last part ends; nothing for any other file.
const endOf = (head) => {
  if (head.readUInt32BE(0) !== 0x7f454c46) return 0;
  return Number(head.readBigUInt64LE(40)) + head.readUInt16LE(58) * head.readUInt16LE(60);
};

// A library that was cut off, by a full disk say, is mapped all the same, and a bus error then ends the whole process.
const refuseCutOff = (path) => {
  const isCutOff = withFile(path, (file) => endOf(beginning(file, 64)) > fstatSync(file).size);
  if (isCutOff) throw new Error('the file is cut off');
};

// What `require` would do, in half its time.
const dlopen = (path) => {
  const addon = { exports: {} };
  process.dlopen(addon, path);
  return addon.exports;
};

const load = async () => {
  const tried = [];
  for (const candidate of candidates()) {
    const name = `./connector-smsaero-native.${candidate}.node`;
    const path = fileURLToPath(new URL(name, import.meta.url));
    try {
      refuseCutOff(path);
      return dlopen(path);
    } catch (error) {
      tried.push([candidate, error]);
    }
  }
  const { refusal } = await import('./refusal.js');
  throw refusal(tried);
};

// Logto's own classes, where there is a Logto: its Console asks `instanceof`. A test harness may have neither package.
const importOptional = async (name) => {
  try {
    return await import(name);
  } catch (error) {
    if (error?.code === 'ERR_MODULE_NOT_FOUND') return {};
    throw error;
  }
};

const binding = await load();
const [{ ConnectorError }, { ZodError }] = await Promise.all(['@logto/connector-kit', 'zod'].map(importOptional));

// Timers and clock as they are at the import: a test harness may replace them later.
const host = { ConnectorError, ZodError, clearTimeout, hrtime, setInterval, setTimeout };

// The JavaScript half is compiled on the first call, so that an import does not wait for it, and in the asynchronous context of
// the import: its timer and its queue would otherwise keep the first caller's context alive.
const compile = AsyncResource.bind(() => binding.open(host));
let connector;
const open = () => {
  connector ??= compile();
  return connector;
};

export const createConnector = (options) => open().createConnector(options);
export const sendMessage = (data, config, options) => open().sendMessage(data, config, options);
export const sendText = (message, account, options) => open().sendText(message, account, options);
export const getStatus = (id, account, options) => open().getStatus(id, account, options);
export const getBalance = (account, options) => open().getBalance(account, options);
export const listSenderNames = (account, options) => open().listSenderNames(account, options);

export default createConnector;

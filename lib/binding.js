import { closeSync, fstatSync, openSync, readdirSync, readFileSync, readSync } from 'node:fs';
import { createRequire } from 'node:module';

const binaryName = 'connector-smsaero-native';
const require = createRequire(import.meta.url);

// What this process itself runs on; a file of the system's may tell of another C library.
const runsOnMusl = () => {
  try {
    return readFileSync('/proc/self/maps', 'latin1').includes('musl');
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
const isCutOff = (name) => {
  let file;
  try {
    file = openSync(new URL(name, import.meta.url));
    const head = Buffer.alloc(64);
    readSync(file, head, 0, head.length, 0);
    return endOf(head) > fstatSync(file).size;
  } catch {
    // What cannot be read is for `require` to explain.
    return false;
  } finally {
    if (file !== undefined) closeSync(file);
  }
};

const shipped = () => {
  const binary = new RegExp(`^${binaryName}\\.(.+)\\.node$`);
  const names = readdirSync(new URL('.', import.meta.url)).map((name) => binary.exec(name)?.[1]);
  return names.filter(Boolean).sort().join(', ') || 'none';
};

const advice = (errors) => {
  if (errors.some(({ code }) => code === 'ERR_DLOPEN_DISABLED')) {
    return 'Node was started without native addons: remove --no-addons, or add --allow-addons beside --permission.';
  }
  // The first is the one that fits; that the other C library's was refused is no wonder.
  if (errors[0].code === 'MODULE_NOT_FOUND') {
    return 'The package holds no binary for this platform: install the published tarball, or build one with "npm run build" in a checkout.';
  }
  return 'The binary is there but was refused: install the package afresh, and check that the file is whole and readable.';
};

// Logto prints the message of this error and nothing else of it, so it has to say everything.
const load = () => {
  const errors = [];
  const tried = candidates();
  for (const candidate of tried) {
    const name = `./${binaryName}.${candidate}.node`;
    try {
      if (isCutOff(name)) throw new Error('the file is cut off');
      return require(name);
    } catch (error) {
      errors.push(error);
    }
  }
  const reasons = tried.map((candidate, place) => {
    const { code, message } = errors[place];
    return `${candidate} (${code === 'MODULE_NOT_FOUND' ? 'not in the package' : message.split('\n', 1)[0]})`;
  });
  throw new Error(
    `${binaryName} cannot load its native part on ${process.platform}-${process.arch}, Node ${process.version}. ` +
      `Tried ${reasons.join(', ')}. In the package: ${shipped()}. ${advice(errors)}`,
  );
};

export default load();

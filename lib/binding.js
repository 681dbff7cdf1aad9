import { readdirSync, readFileSync } from 'node:fs';
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

const shipped = () => {
  const binary = new RegExp(`^${binaryName}\\.(.+)\\.node$`);
  const names = readdirSync(new URL('.', import.meta.url)).map((name) => binary.exec(name)?.[1]);
  return names.filter(Boolean).sort().join(', ') || 'none';
};

const advice = (errors) => {
  if (errors.some(({ code }) => code === 'ERR_DLOPEN_DISABLED')) {
    return 'Node was started without native addons: remove --no-addons, or add --allow-addons beside --permission.';
  }
  if (errors.every(({ code }) => code === 'MODULE_NOT_FOUND')) {
    return 'The package holds no binary for this platform: install the published tarball, or build one with "npm run build" in a checkout.';
  }
  return 'The binary is there but was refused: install the package afresh, and check that the file is whole and readable.';
};

// Logto prints the message of this error and nothing else of it, so it has to say everything.
const load = () => {
  const errors = [];
  const tried = candidates();
  for (const candidate of tried) {
    try {
      return require(`./${binaryName}.${candidate}.node`);
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

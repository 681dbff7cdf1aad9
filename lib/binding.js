import { createRequire } from 'node:module';

// Candidates are tried in turn: whether a library loads says more than any guess at the C library of the host.
const { platform, arch } = process;
const candidates =
  platform === 'linux' ? [`linux-${arch}-gnu`, `linux-${arch}-musl`] : [platform === 'win32' ? `win32-${arch}-msvc` : `${platform}-${arch}`];

const require = createRequire(import.meta.url);
const refusals = [];

const load = () => {
  for (const candidate of candidates) {
    try {
      return require(`./connector-smsaero-native.${candidate}.node`);
    } catch (error) {
      refusals.push(`${candidate}: ${error.message}`);
    }
  }
  throw new Error(`connector-smsaero-native: no binary could be loaded. ${refusals.join(' | ')}`);
};

export default load();

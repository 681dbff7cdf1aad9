// The platforms of the package. `zig` is a target's name for the C compiler and linker; without it
// the host's own are used.

export const TARGETS = {
  'linux-x64-musl': { host: 'linux', rust: 'x86_64-unknown-linux-musl', zig: 'x86_64-linux-musl' },
  'linux-arm64-musl': {
    host: 'linux',
    rust: 'aarch64-unknown-linux-musl',
    zig: 'aarch64-linux-musl',
  },
  'linux-x64-gnu': {
    host: 'linux',
    rust: 'x86_64-unknown-linux-gnu',
    zig: 'x86_64-linux-gnu.2.28',
  },
  'linux-arm64-gnu': {
    host: 'linux',
    rust: 'aarch64-unknown-linux-gnu',
    zig: 'aarch64-linux-gnu.2.28',
  },
  'darwin-arm64': { host: 'darwin', rust: 'aarch64-apple-darwin' },
  'darwin-x64': { host: 'darwin', rust: 'x86_64-apple-darwin' },
  'win32-x64-msvc': { host: 'win32', rust: 'x86_64-pc-windows-msvc' },
};

/** How cargo is to build the addon. */
export const CARGO = [
  'cargo',
  'build',
  '--locked',
  '--release',
  '-p',
  'connector-smsaero-native-napi',
];

export const BINARY_LIMIT_BYTES = 2_800_000;
export const TARBALL_LIMIT_BYTES = 10_000_000;
/** Debian 10, RHEL 8 and everything since. */
export const GLIBC_FLOOR = '2.28';

export const binaryName = (platform) => `connector-smsaero-native.${platform}.node`;

/** What cargo calls the library of a platform. */
export const libraryName = (platform) => {
  const { host } = TARGETS[platform];
  if (host === 'win32') return 'connector_smsaero_native_napi.dll';
  return `libconnector_smsaero_native_napi.${host === 'darwin' ? 'dylib' : 'so'}`;
};

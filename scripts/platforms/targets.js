// The platforms of the package, and what their files are called.

// A glibc has the oldest version that will do behind it. Windows' is not Visual C++'s target, whose linker and libraries are
// Microsoft's: Node-API is C, and nothing of Node is linked.
export const TARGETS = {
  'linux-x64-musl': { os: 'linux', rust: 'x86_64-unknown-linux-musl' },
  'linux-arm64-musl': { os: 'linux', rust: 'aarch64-unknown-linux-musl' },
  'linux-x64-gnu': { os: 'linux', rust: 'x86_64-unknown-linux-gnu', glibc: '2.28' },
  'linux-arm64-gnu': { os: 'linux', rust: 'aarch64-unknown-linux-gnu', glibc: '2.28' },
  'darwin-arm64': { os: 'darwin', rust: 'aarch64-apple-darwin' },
  'darwin-x64': { os: 'darwin', rust: 'x86_64-apple-darwin' },
  'win32-x64-msvc': { os: 'win32', rust: 'x86_64-pc-windows-gnullvm' },
};

/** The oldest macOS that Node 20 runs on. */
export const MACOS = '11.0';

export const BINARY_LIMIT_BYTES = 2_800_000;
export const TARBALL_LIMIT_BYTES = 12_000_000;

export const ADDON = ['--locked', '--release', '-p', 'connector-smsaero-native-napi'];

export const binaryName = (platform) => `connector-smsaero-native.${platform}.node`;

/** What cargo calls the library on an operating system. */
export const libraryName = (os) =>
  os === 'win32'
    ? 'connector_smsaero_native_napi.dll'
    : `libconnector_smsaero_native_napi.${os === 'darwin' ? 'dylib' : 'so'}`;

/** The platform of the Node that runs this. */
export function hostPlatform() {
  const { arch, platform } = process;
  const libc = process.report.getReport().header.glibcVersionRuntime ? 'gnu' : 'musl';
  return `${platform}-${arch}${{ linux: `-${libc}`, win32: '-msvc' }[platform] ?? ''}`;
}

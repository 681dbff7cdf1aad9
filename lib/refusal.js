import { readdirSync } from 'node:fs';

const shipped = () => {
  const binary = /^connector-smsaero-native\.(.+)\.node$/;
  const names = readdirSync(new URL('.', import.meta.url)).map((name) => binary.exec(name)?.[1]);
  return names.filter(Boolean).sort().join(', ') || 'none';
};

const advice = (errors) => {
  if (errors.some(({ code }) => code === 'ERR_DLOPEN_DISABLED')) {
    return 'Node was started without native addons: remove --no-addons, or add --allow-addons beside --permission.';
  }
  // The first is the one that fits; that the other C library's was refused is no wonder.
  if (errors[0].code === 'ENOENT') {
    return 'The package holds no binary for this platform: install the published tarball, or build one with "npm run build" in a checkout.';
  }
  return 'The binary is there but was refused: install the package afresh, and check that the file is whole and readable.';
};

/**
 * The error for candidates of which none would load, each with its own error. Logto prints the message and nothing
 * else of it, so it has to say everything.
 */
export const refusal = (tried) => {
  const reasons = tried.map(([candidate, { code, message }]) => {
    const reason = code === 'ENOENT' ? 'not in the package' : message.split('\n', 1)[0];
    return `${candidate} (${reason})`;
  });
  return new Error(
    `connector-smsaero-native cannot load its native part on ${process.platform}-${process.arch}, Node ${process.version}. ` +
      `Tried ${reasons.join(', ')}. In the package: ${shipped()}. ${advice(tried.map(([, error]) => error))}`,
  );
};

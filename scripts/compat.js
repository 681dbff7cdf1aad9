// Runs the tests that depend on Logto and Node against the newest kit, CLI and Node: `npm run compat`.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const folder = join(root, 'build/compat');
const newest = [
  '@logto/connector-kit@latest',
  '@logto/cli@latest',
  '@logto/connector-smsaero@latest',
  'zod@3',
];
const tests = [
  'contract',
  'loader',
  'guard.differential',
  'render.differential',
  'replies',
  'get-config',
  'remembering',
  'binding',
  'install',
  'deploy',
];

const run = (command, args, options = {}) => {
  const { status } = spawnSync(command, args, { cwd: folder, stdio: 'inherit', ...options });
  if (status !== 0) {
    console.error(`${command} ${args.join(' ')} failed: something new does not fit, see above.`);
    process.exit(1);
  }
};

// A copy, so that the lock file and the dependencies of the checkout stay as they are.
rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });
for (const name of [
  'package.json',
  'package-lock.json',
  'index.d.ts',
  'logo.svg',
  'CHANGELOG.md',
  'LICENSE',
]) {
  cpSync(join(root, name), join(folder, name));
}
for (const name of ['lib', 'testing', 'cli', 'docs', 'scripts', 'deploy', '__test__'])
  cpSync(join(root, name), join(folder, name), { recursive: true });
for (const name of ['src', 'napi']) symlinkSync(join(root, name), join(folder, name), 'dir');

console.log(`Installing ${newest.join(', ')} and the newest Node…`);
run('npm', ['install', '--no-save', '--ignore-scripts', ...newest]);
const { platform, arch } = process;
run('npm', [
  'install',
  '--no-save',
  '--prefix',
  join(folder, 'node'),
  `node-${platform}-${arch}@latest`,
]);
const node = join(folder, `node/node_modules/node-${platform}-${arch}/bin/node`);
if (!existsSync(node)) throw new Error(`The newest Node is not where it was expected: ${node}`);

run(node, ['--version']);
run(node, ['--test', ...tests.map((name) => `__test__/${name}.test.mjs`)]);
console.log('The newest kit, CLI and Node fit.');

// Puts what the examples import into build/examples: a copy of them, this package as it is
// installed, and the test tools. Run: node examples/prepare.js

import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const TOOLS = { vitest: '3.2.4', 'playwright-core': '1.56.1' };
const PACKAGE = 'connector-smsaero-native';
const STALE_LOCK_MS = 300_000;

const root = fileURLToPath(new URL('..', import.meta.url));
const folder = path.join(root, 'build/examples');
const modules = path.join(folder, 'node_modules');

/** The folder with everything in place. */
export const prepare = async () => {
  mkdirSync(path.dirname(folder), { recursive: true });
  const unlock = await lock(`${folder}.lock`);
  try {
    mkdirSync(folder, { recursive: true });
    installTools();
    copyPackage();
    copy(path.join(root, 'examples'), folder);
    return folder;
  } finally {
    unlock();
  }
};

/** Path of a Chromium: the variable CHROMIUM, one on the PATH, or Debian's, installed here. */
export const chromium = async () => {
  const found = process.env.CHROMIUM ?? findChromium();
  if (found) return found;
  const unlock = await lock(`${folder}.chromium.lock`);
  try {
    const canInstall = process.getuid?.() === 0 && existsSync('/etc/debian_version');
    if (canInstall && !findChromium()) {
      run('apt-get', ['install', '-y', '--no-install-recommends', 'chromium'], {
        DEBIAN_FRONTEND: 'noninteractive',
      });
    }
  } finally {
    unlock();
  }
  const installed = findChromium();
  if (installed) return installed;
  throw new Error('There is no Chromium: install it (on Debian: apt-get install chromium), or name one in CHROMIUM.');
};

const findChromium = () => {
  const folders = (process.env.PATH ?? '').split(path.delimiter);
  const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
  const files = folders.flatMap((folder) => names.map((name) => path.join(folder, name)));
  return files.find((file) => existsSync(file));
};

const installTools = () => {
  const wanted = Object.entries(TOOLS);
  if (wanted.every(([name, version]) => versionOf(name) === version)) return;
  const names = wanted.map(([name, version]) => `${name}@${version}`);
  const flags = ['--no-save', '--no-audit', '--no-fund', '--no-package-lock', '--prefix', folder];
  run('npm', ['install', ...flags, ...names], {
    PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD: '1',
  });
};

const versionOf = (name) => {
  const file = path.join(modules, name, 'package.json');
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')).version : null;
};

// A copy, not a link: test tools treat what lies outside node_modules as code under test.
const copyPackage = () => {
  for (const part of ['lib', 'testing', 'package.json', 'index.d.ts']) {
    copy(path.join(root, part), path.join(modules, PACKAGE, part));
  }
};

// File by file and by renaming: another test may be running the native file that is there.
const copy = (from, to) => {
  if (statSync(from).isDirectory()) {
    mkdirSync(to, { recursive: true });
    for (const name of readdirSync(from)) copy(path.join(from, name), path.join(to, name));
  } else if (!existsSync(to) || !readFileSync(from).equals(readFileSync(to))) {
    copyFileSync(from, `${to}.new`);
    renameSync(`${to}.new`, to);
  }
};

const run = (command, args, env) => {
  const { status, error, stderr } = spawnSync(command, args, {
    encoding: 'utf8',
    // npm is a script on Windows.
    shell: process.platform === 'win32',
    env: { ...process.env, ...env },
  });
  if (status === 0) return;
  throw new Error(`${command} ${args.join(' ')} failed: ${error?.message ?? stderr.trim()}`);
};

// Two test files may need the same things at the same time.
const lock = async (folder) => {
  for (;;) {
    try {
      mkdirSync(folder);
      return () => rmSync(folder, { recursive: true, force: true });
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
      const age = Date.now() - (statSync(folder, { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
      if (age > STALE_LOCK_MS) rmSync(folder, { recursive: true, force: true });
      await sleep(200);
    }
  }
};

if (process.argv[1] === fileURLToPath(import.meta.url)) console.log(await prepare());

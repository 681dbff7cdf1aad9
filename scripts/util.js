// What the scripts share: starting programs, failing with a sentence, putting files in place.

import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

export const ROOT = fileURLToPath(new URL('../', import.meta.url));
/** Everything that is fetched or made: ignored by git, safe to delete. */
export const BUILD = join(ROOT, 'build');

export const readJson = (file) => JSON.parse(readFileSync(join(ROOT, file), 'utf8'));
/** The version of each tool that is fetched, and of the compiler that a release is built with. */
export const TOOLS = readJson('scripts/tools.json');

/** A failure that needs no stack: its sentence says what to do. */
export class Failure extends Error {}

/** Runs a command to its end; gives its exit code and its output, which is printed meanwhile with `aloud`. */
export function listen([command, ...args], { aloud = false, ...options } = {}) {
  const stdio = aloud ? 'inherit' : ['ignore', 'pipe', 'pipe'];
  // npm is a .cmd on Windows, which only a shell can start.
  const shell = process.platform === 'win32' && command === 'npm';
  const child = spawn(command, args, { cwd: ROOT, stdio, shell, ...options });
  const result = { stdout: '', output: '' };
  child.stdout?.setEncoding('utf8').on('data', (text) => {
    result.stdout += text;
    result.output += text;
  });
  child.stderr?.setEncoding('utf8').on('data', (text) => {
    result.output += text;
  });
  return new Promise((resolve, reject) => {
    child.once('error', ({ code }) => reject(new Failure(`${command} cannot start: ${code}.`)));
    child.once('close', (code, signal) => resolve({ ...result, code: code ?? signal }));
  });
}

/** Runs a command and gives what it printed; when it fails, prints that and throws with the sentence. */
export async function run(command, { failure, ...options } = {}) {
  const { code, stdout, output } = await listen(command, options);
  if (code === 0) return stdout;
  process.stdout.write(output);
  throw new Failure(failure ?? `${command.join(' ')} ended with ${code}.`);
}

/** Whether a command can be started and ends well. */
export async function works(command) {
  return (await listen(command).catch(() => ({}))).code === 0;
}

/** The command line of a development dependency; not by npx, which puts a shell in between on Windows. */
export function tool(name, dependency = name) {
  const { bin } = readJson(`node_modules/${dependency}/package.json`);
  const file = typeof bin === 'string' ? bin : bin[name];
  return [process.execPath, join(ROOT, 'node_modules', dependency, file)];
}

/** What `make` puts into a folder of `build/`, made once; an interrupted run leaves no half of it. */
export async function once(name, make) {
  const folder = join(BUILD, name);
  if (existsSync(folder)) return folder;
  const aside = `${folder}.partial`;
  rmSync(aside, { recursive: true, force: true });
  mkdirSync(aside, { recursive: true });
  await make(aside);
  renameSync(aside, folder);
  return folder;
}

/** Copies a library where it is loaded from. Not written over: a Node that has the old one loaded would crash. */
export function putInPlace(built, binary) {
  writeFileSync(`${binary}.new`, readFileSync(built), { mode: 0o755 });
  renameSync(`${binary}.new`, binary);
}

/** A hash of the names and the contents of files and of all files in folders. */
export function hashOf(inputs, ...texts) {
  const digest = createHash('sha256');
  const add = (name) => {
    const path = join(ROOT, name);
    if (!existsSync(path)) return;
    if (statSync(path).isDirectory()) {
      for (const entry of readdirSync(path).sort()) add(`${name}/${entry}`);
    } else {
      digest.update(`${name}\0`).update(readFileSync(path));
    }
  };
  for (const name of inputs) add(name);
  return digest.update(texts.join()).digest('hex');
}

/** The options of the command line and the other words on it. */
export function readOptions(options) {
  try {
    const { values, positionals } = parseArgs({ options, allowPositionals: true });
    return { ...values, words: positionals };
  } catch ({ message }) {
    throw new Failure(message);
  }
}

/** Runs a script: a failure is a sentence and exit code 1, anything else a bug. */
export async function main(work) {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    console.error(error.message);
    process.exitCode = 1;
  }
}

export const isScript = (url) => process.argv[1] === fileURLToPath(url);
export const megabytes = (bytes) => `${(bytes / 1e6).toFixed(2)} MB`;

import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../../', import.meta.url));
/** Everything fetched or made on the way to a package: ignored by git, safe to delete. */
export const BUILD_FOLDER = join(ROOT, 'build', 'platforms');

/** A failure that needs no stack: its sentence says what to do. */
export class Failure extends Error {}

/** Runs a command to its end; its output is printed, or returned with `capture`. */
export function run([command, ...args], { capture = false, ...options } = {}) {
  const stdio = ['ignore', capture ? 'pipe' : 'inherit', 'inherit'];
  // npm is a .cmd on Windows, which only a shell can start.
  const shell = process.platform === 'win32' && command === 'npm';
  const child = spawn(command, args, { stdio, shell, ...options });
  const chunks = [];
  child.stdout?.on('data', (chunk) => chunks.push(chunk));
  return new Promise((resolve, reject) => {
    child.once('error', ({ code }) => reject(new Failure(`${command} cannot start: ${code}.`)));
    child.once('close', (code, signal) => {
      if (code === 0) resolve(Buffer.concat(chunks).toString());
      else reject(new Failure(`${command} ${args.join(' ')} ended with ${signal ?? code}.`));
    });
  });
}

/** The first of these commands that can be started, or a problem. */
export function firstWorking(...commands) {
  const works = ([command, ...args]) =>
    spawnSync(command, [...args, '--version'], { stdio: 'ignore' }).status === 0;
  const found = commands.find(works);
  if (found === undefined) {
    const names = commands.map((command) => command.join(' ')).join(' or ');
    throw new Failure(`This needs ${names}, and neither starts.`);
  }
  return found;
}

export function sha256(...parts) {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part).update('\0');
  return hash.digest('hex');
}

export function sha256OfFile(file) {
  return createHash('sha256').update(readFileSync(file)).digest('hex');
}

/** Names and contents of a file or of all files in a folder, from the root: what to take a hash of. */
export function contents(input) {
  const path = join(ROOT, input);
  if (!statSync(path).isDirectory()) return [input, readFileSync(path)];
  const names = readdirSync(path, { recursive: true }).sort();
  const files = names.filter((name) => statSync(join(path, name)).isFile());
  return files.flatMap((name) => [join(input, name), readFileSync(join(path, name))]);
}

export function stamped(file) {
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {};
}

/** Copies a library where it is loaded from. Not written over: a Node that has the old one loaded would crash. */
export function putInPlace(built, binary, check = () => {}) {
  const aside = `${binary}.new`;
  writeFileSync(aside, readFileSync(built), { mode: 0o755 });
  check(aside);
  renameSync(aside, binary);
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

export const megabytes = (bytes) => `${(bytes / 1e6).toFixed(2)} MB`;

/** Announces a phase and says how long it took. */
export async function phase(name, work) {
  console.log(`» ${name}`);
  const started = Date.now();
  const result = await work();
  console.log(`  ${name}: ${((Date.now() - started) / 1000).toFixed(1)} s`);
  return result;
}

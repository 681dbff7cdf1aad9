// Starts what the scripts need of others: the package's tools, npm, cargo.

import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { Failure, ROOT } from './platforms/util.js';

/** The command line of a development dependency; not by npx, which puts a shell in between on Windows. */
export function tool(name, dependency = name) {
  const folder = join(ROOT, 'node_modules', dependency);
  const { bin } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  return [process.execPath, join(folder, typeof bin === 'string' ? bin : bin[name])];
}

/**
 * Runs a command in silence and gives its output. When it fails, the output is printed, and the
 * sentence is the problem. On a terminal, `progress` shows what the command says on the way.
 */
export async function quietly(command, sentence, { progress = false, ...options } = {}) {
  const { code, stdout, output } = await listen(command, { progress, ...options });
  if (code === 0) return stdout;
  process.stdout.write(output);
  throw new Failure(sentence);
}

/** Runs a command to its end; gives its exit code and what it printed. */
export function listen([command, ...args], { progress = false, ...options } = {}) {
  const stderr = progress && process.stderr.isTTY ? 'inherit' : 'pipe';
  const stdio = ['ignore', 'pipe', stderr];
  // npm is a .cmd on Windows, which only a shell can start.
  const shell = process.platform === 'win32' && command === 'npm';
  const child = spawn(command, args, { cwd: ROOT, stdio, shell, ...options });
  const seen = { stdout: '', output: '' };
  child.stdout.setEncoding('utf8').on('data', (text) => {
    seen.stdout += text;
    seen.output += text;
  });
  child.stderr?.setEncoding('utf8').on('data', (text) => {
    seen.output += text;
  });
  return new Promise((resolve, reject) => {
    child.once('error', ({ code }) => reject(new Failure(`${command} cannot start: ${code}.`)));
    child.once('close', (code, signal) => resolve({ ...seen, code: code ?? signal }));
  });
}

/** The options of the command line and what else is on it; throws when they cannot be understood. */
export function readOptions(options) {
  try {
    const { values, positionals } = parseArgs({ options, allowPositionals: true });
    return { ...values, positionals };
  } catch (error) {
    if (!error.code?.startsWith('ERR_PARSE_ARGS')) throw error;
    throw new Failure(error.message);
  }
}

// Starts programs: the files of ../fixtures in a Node of their own, and other commands.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';

import { CHECKOUT } from './package.mjs';

const { NODE_UNDER_TEST } = process.env;
/** The command that starts the Node under test. Under a loader of its own `process.execPath` is that loader. */
export const NODE = NODE_UNDER_TEST ? JSON.parse(NODE_UNDER_TEST) : [process.execPath];

// What a machine may have set that would change where a child connects, whom it trusts or what it prints.
const UNWANTED =
  /^(NODE_TEST_CONTEXT|NODE_OPTIONS|NODE_EXTRA_CA_CERTS|NODE_DEBUG|NODE_USE_.*|NODE_TLS_.*|SSL_CERT_.*|SMSAERO_.*|(https?|all|no)_proxy)$/i;

/** The environment of a child: this one's without what would disturb, and nowhere to send by itself. */
export function environment(changes = {}) {
  const kept = Object.entries(process.env).filter(([name]) => !UNWANTED.test(name));
  return { ...Object.fromEntries(kept), SMSAERO_GATEWAYS: 'http://127.0.0.1:9', ...changes };
}

/**
 * Starts a command. `ended` gives its code or signal, its output and how long it took; one that takes too long is killed.
 * `output` is what it has printed until now.
 */
export function execute([command, ...args], options = {}) {
  const { cwd = CHECKOUT, env = environment(), input = '', timeoutMs = 120_000 } = options;
  const { ipc = false, shell = false } = options;
  const started = performance.now();
  const stdio = ['pipe', 'pipe', 'pipe', ...(ipc ? ['ipc'] : [])];
  const child = spawn(command, args, { cwd, env, shell, stdio });
  const output = { stdout: '', stderr: '', output: '' };
  for (const stream of ['stdout', 'stderr']) {
    child[stream].setEncoding('utf8').on('data', (text) => {
      output[stream] += text;
      output.output += text;
    });
  }
  // A child that has gone does not read its input.
  child.stdin.on('error', () => {});
  // Whoever gives null writes the input.
  if (input !== null) child.stdin.end(input);
  const killer = setTimeout(() => child.kill('SIGKILL'), timeoutMs);
  // Not the child's own `close`, which does not come when a channel was disconnected from here.
  const closes = ['stdout', 'stderr'].map((stream) => once(child[stream], 'close'));
  const ended = Promise.all([once(child, 'exit'), ...closes]).then(([[code, signal]]) => {
    clearTimeout(killer);
    return { code, signal, ms: performance.now() - started, ...output };
  });
  return { child, output, ended };
}

/** A program of ../fixtures. */
export const fixture = (name) => fileURLToPath(new URL(`../fixtures/${name}.mjs`, import.meta.url));

/**
 * Starts a Node of its own with a file. Its first argument is `input` as JSON; `within` is a command that starts that Node
 * in an environment of its own.
 */
export function start(file, options = {}) {
  const { node = NODE, flags = [], args = [], input, env, within = [], ...rest } = options;
  const words = [...(input === undefined ? [] : [JSON.stringify(input)]), ...args];
  const command = [...within, ...[node].flat(), ...flags, file, ...words];
  return execute(command, { timeoutMs: 60_000, ...rest, env: environment(env) });
}

/** Runs a file to its end; throws with its output unless it ended well. */
export async function run(file, options) {
  const result = await start(file, options).ended;
  const { code, signal, output } = result;
  if (code !== 0) throw new Error(`the child ended with ${signal ?? code}:\n${output}`);
  return result;
}

/** The same, and what the last line of its output says as JSON: loaders like to print what they are doing. */
export async function answerOf(file, options) {
  const { stdout } = await run(file, options);
  return JSON.parse(stdout.trimEnd().split('\n').at(-1));
}

const folders = [];
process.once('exit', () => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** A folder that is gone when the tests of the file are done. */
export function temporaryFolder() {
  const folder = mkdtempSync(path.join(tmpdir(), 'smsaero-'));
  folders.push(folder);
  return folder;
}

/** A file in a folder of its own. */
export function temporaryFile(name, content) {
  const file = path.join(temporaryFolder(), name);
  writeFileSync(file, content);
  return file;
}

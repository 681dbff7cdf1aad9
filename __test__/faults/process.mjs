import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';

import { NODE } from '../support/runtime.mjs';

export const ROOT = fileURLToPath(new URL('../../', import.meta.url));

// What a machine may have set that would change where a child connects, whom it trusts or what it prints.
const UNWANTED =
  /^(NODE_TEST_CONTEXT|NODE_OPTIONS|NODE_EXTRA_CA_CERTS|NODE_DEBUG|NODE_USE_.*|NODE_TLS_.*|SSL_CERT_.*|SMSAERO_.*|(https?|all|no)_proxy)$/i;

/** The environment of a child: this one's without what would disturb, and nowhere to send by itself. */
export function environment(changes = {}) {
  const kept = Object.entries(process.env).filter(([name]) => !UNWANTED.test(name));
  return { ...Object.fromEntries(kept), SMSAERO_GATEWAYS: 'http://127.0.0.1:9', ...changes };
}

/**
 * Starts a Node of its own with a file or with the source of a module, whose imports start at the root. `ended` gives
 * what came of it; a child that takes too long is killed, and its signal tells.
 */
export function start(what, options = {}) {
  const { node = NODE, flags = [], args = [], env = {}, ipc = false } = options;
  const { timeoutMs = 60_000 } = options;
  const entry = what instanceof URL ? [fileURLToPath(what)] : ['--input-type=module', '-'];
  const started = performance.now();
  const [command, ...before] = [node].flat();
  const child = spawn(command, [...before, ...flags, ...entry, ...args], {
    cwd: ROOT,
    env: environment(env),
    stdio: ['pipe', 'pipe', 'pipe', ...(ipc ? ['ipc'] : [])],
  });
  const said = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr']) {
    child[stream].setEncoding('utf8').on('data', (text) => {
      said[stream] += text;
    });
  }
  // A child that has gone does not read what it was to run.
  child.stdin.on('error', () => {});
  child.stdin.end(what instanceof URL ? '' : what);
  const killer = setTimeout(() => child.kill('SIGKILL'), timeoutMs);
  // Not the child's own `close`, which does not come when a channel was disconnected from here.
  const closes = ['stdout', 'stderr'].map((stream) => once(child[stream], 'close'));
  const ended = Promise.all([once(child, 'exit'), ...closes]).then(([[code, signal]]) => {
    clearTimeout(killer);
    return { code, signal, ms: performance.now() - started, ...said };
  });
  return { child, said, ended };
}

/** Runs a child to its end; throws with its output unless it ended well. */
export async function run(what, options) {
  const result = await start(what, options).ended;
  const { code, signal, stdout, stderr } = result;
  if (code !== 0) throw new Error(`the child ended with ${signal ?? code}:\n${stderr}${stdout}`);
  return result;
}

/** The same, and what the last line of its output says as JSON. */
export async function runForAnswer(what, options) {
  const { stdout } = await run(what, options);
  return JSON.parse(stdout.trimEnd().split('\n').at(-1));
}

const folders = [];
process.once('exit', () => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** A folder that goes with this process. */
export function temporaryFolder() {
  const folder = mkdtempSync(join(tmpdir(), 'smsaero-faults-'));
  folders.push(folder);
  return folder;
}

/** A file in a temporary folder. */
export function temporaryFile(name, content) {
  const file = join(temporaryFolder(), name);
  writeFileSync(file, content);
  return file;
}

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { NODE } from './runtime.mjs';

// Whatever a child forgets to say, no request leaves this machine.
const OFFLINE = 'http://127.0.0.1:9';

/** Runs a module in a Node of its own; gives what it prints, parsed. It fails with what the child throws of.
 *  `within` is a command that starts that Node in surroundings of its own. */
export async function run(source, { cwd, args = [], flags = [], env = {}, within = [] } = {}) {
  const [command, ...start] = [...within, ...NODE];
  const child = spawn(command, [...start, ...flags, '--input-type=module', '-', ...args], {
    cwd,
    // The test runner's own variables would make a child report to it.
    env: {
      ...process.env,
      NODE_TEST_CONTEXT: undefined,
      NODE_OPTIONS: '',
      SMSAERO_GATEWAYS: OFFLINE,
      ...env,
    },
  });
  const output = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr']) {
    child[stream].setEncoding('utf8').on('data', (text) => (output[stream] += text));
  }
  child.stdin.end(source);
  const [code, signal] = await once(child, 'close');
  if (code !== 0)
    throw new Error(`the child ended with ${code ?? signal}: ${output.stderr}${output.stdout}`);
  // The last line: loaders like to say what they are doing.
  return JSON.parse(output.stdout.trim().split('\n').at(-1));
}

const folders = [];
process.once('exit', () => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** A folder that is gone when the tests of the file are done. */
export async function temporaryFolder() {
  const folder = await mkdtemp(path.join(tmpdir(), 'smsaero-'));
  folders.push(folder);
  return folder;
}

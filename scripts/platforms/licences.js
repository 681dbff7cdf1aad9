// The licences of what is compiled into the addon, and a list of it for machines (CycloneDX): the
// same inputs give the same bytes.
// Usage: licences.js [--notices FILE] [--sbom FILE]; without a file it is only checked.

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';

import { TARGETS } from './targets.js';
import { zigFolder } from './toolchain.js';
import { Failure, main, ROOT, run } from './util.js';

// What a user of the addon is asked to accept. Another licence is a decision, not a detail.
const ACCEPTED = [
  ...['MIT', 'ISC', 'BSD-3-Clause', 'Unicode-3.0'],
  ...['Apache-2.0', 'Apache-2.0 WITH LLVM-exception', 'CDLA-Permissive-2.0', 'Zlib'],
];
const LICENCE_FILE = /^(licen[cs]e|copying|unlicense|notice)/i;

await main(async () => {
  const { values } = parseArgs({
    options: { notices: { type: 'string' }, sbom: { type: 'string' } },
  });
  const crates = await compiledIn();
  const parts = [...crates.map(crateNotice), ...(await toolchainNotices())];
  const notices = renderNotices(parts);
  const sbom = `${JSON.stringify(describe(crates), null, 2)}\n`;
  if (values.notices) writeFileSync(values.notices, notices);
  if (values.sbom) writeFileSync(values.sbom, sbom);
  console.log(
    `${crates.length} crates, ${notices.length} bytes of licences, ${sbom.length} bytes of SBOM`,
  );
});

// Crates that any of the binaries holds: no build scripts, no macros, no test helpers.
async function compiledIn() {
  const found = new Map();
  for (const { rust } of Object.values(TARGETS)) {
    const command = [
      'cargo',
      'metadata',
      '--format-version',
      '1',
      '--locked',
      '--filter-platform',
      rust,
    ];
    const { packages, resolve } = JSON.parse(await run(command, { cwd: ROOT, capture: true }));
    const byId = new Map(packages.map((package_) => [package_.id, package_]));
    const nodes = new Map(resolve.nodes.map((node) => [node.id, node]));
    const isMacro = (id) => byId.get(id).targets.some(({ kind }) => kind.includes('proc-macro'));
    const linked = (id) =>
      nodes
        .get(id)
        .deps.filter(({ dep_kinds }) => dep_kinds.some(({ kind }) => kind === null))
        .map(({ pkg }) => pkg)
        .filter((dependency) => !isMacro(dependency));

    const waiting = linked(resolve.root);
    const seen = new Set();
    while (waiting.length > 0) {
      const id = waiting.pop();
      if (seen.has(id)) continue;
      seen.add(id);
      waiting.push(...linked(id));
      const { name, version, license, authors, manifest_path: manifest } = byId.get(id);
      const crate = found.get(id) ?? {
        name,
        version,
        license,
        authors,
        folder: dirname(manifest),
        needs: new Set(),
      };
      for (const dependency of linked(id)) crate.needs.add(reference(byId.get(dependency)));
      found.set(id, crate);
    }
  }
  const order = (one, other) =>
    compare(one.name, other.name) || compare(one.version, other.version);
  return [...found.values()].sort(order);
}

function crateNotice({ name, version, license, authors, folder }) {
  const title = `${name} ${version}`;
  const choice = choose(title, license);
  return { title, licence: choice, texts: licenceTexts(title, choice, folder, authors) };
}

// Of alternatives the first that is accepted; of joint licences every one has to be.
function choose(title, expression) {
  const alternatives = (expression ?? '').replaceAll('/', ' OR ').split(/\s+OR\s+/);
  const isAccepted = (text) =>
    text.split(/\s+AND\s+/).every((part) => ACCEPTED.includes(part.replace(/[()]/g, '')));
  const ranked = ACCEPTED.find((name) => alternatives.includes(name)) ?? expression;
  if (!ranked || !isAccepted(ranked)) {
    throw new Failure(`${title} is under ${expression}, which nobody has accepted yet.`);
  }
  return ranked;
}

function licenceTexts(title, choice, folder, authors) {
  const files = readdirSync(folder)
    .filter((name) => LICENCE_FILE.test(name))
    .sort();
  const named = files.filter((name) =>
    name.toLowerCase().includes(choice.toLowerCase().split('-')[0]),
  );
  // Where the chosen one has a file, the others are not for us; what others contributed always is.
  const wanted =
    named.length > 0 ? [...named, ...files.filter((name) => /third|other/i.test(name))] : files;
  if (wanted.length > 0)
    return wanted.map((name) => tidy(readFileSync(join(folder, name), 'utf8')));
  if (choice === 'MIT')
    return [mit(authors.length > 0 ? authors.join(', ') : `the authors of ${title}`)];
  throw new Failure(`${title} is under ${choice} and brings no text of it.`);
}

// Not crates, and yet in every binary.
async function toolchainNotices() {
  const unwinder = join(await zigFolder(), 'lib', 'libunwind', 'LICENSE.TXT');
  return [
    {
      title: 'The Rust standard library',
      licence: 'MIT',
      texts: [mit('The Rust Project contributors')],
    },
    {
      title: 'libunwind and compiler-rt of LLVM (Linux only)',
      licence: 'Apache-2.0 WITH LLVM-exception',
      texts: [tidy(readFileSync(unwinder, 'utf8'))],
    },
  ];
}

function renderNotices(parts) {
  const byText = new Map();
  for (const { title, licence, texts } of parts) {
    const text = texts.join('\n\n');
    const group = byText.get(text) ?? { licence, titles: [] };
    group.titles.push(title);
    byText.set(text, group);
  }
  const sections = [...byText].map(
    ([text, { licence, titles }]) =>
      `## ${titles.join(', ')}\n\n${licence}\n\n\`\`\`text\n${text}\n\`\`\`\n`,
  );
  const introduction =
    '# Licences of third parties\n\nThe binaries in `lib/` contain the following works. ' +
    'Where a work offers several licences, the one used here is named.\n';
  return [introduction, ...sections].join('\n');
}

function describe(crates) {
  const { name, version, license, description } = JSON.parse(
    readFileSync(join(ROOT, 'package.json'), 'utf8'),
  );
  const checksums = lockedChecksums();
  const root = `pkg:npm/${name}@${version}`;
  return {
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    version: 1,
    metadata: {
      component: {
        type: 'library',
        'bom-ref': root,
        name,
        version,
        description,
        licenses: [{ expression: license }],
        purl: root,
      },
    },
    components: crates.map((crate) => ({
      type: 'library',
      'bom-ref': reference(crate),
      name: crate.name,
      version: crate.version,
      hashes: [{ alg: 'SHA-256', content: checksums.get(`${crate.name} ${crate.version}`) }],
      licenses: [{ expression: crate.license.replaceAll('/', ' OR ') }],
      purl: reference(crate),
    })),
    dependencies: [
      { ref: root, dependsOn: crates.map(reference) },
      ...crates.map((crate) => ({
        ref: reference(crate),
        dependsOn: [...crate.needs].sort(compare),
      })),
    ],
  };
}

function reference({ name, version }) {
  return `pkg:cargo/${name}@${version}`;
}

function lockedChecksums() {
  const lock = readFileSync(join(ROOT, 'Cargo.lock'), 'utf8');
  const entry = /name = "(.+)"\nversion = "(.+)"\nsource = ".+"\nchecksum = "(.+)"/g;
  return new Map(
    [...lock.matchAll(entry)].map(([, name, version, checksum]) => [
      `${name} ${version}`,
      checksum,
    ]),
  );
}

// Line ends and trailing blanks differ between crates that share a text.
function tidy(text) {
  return text
    .replaceAll('\r\n', '\n')
    .replace(/[ \t]+$/gm, '')
    .trim();
}

// By code unit: the order of a locale is not the same on every machine.
function compare(one, other) {
  return one < other ? -1 : Number(one > other);
}

function mit(holder) {
  return `MIT License

Copyright (c) ${holder}

Permission is hereby granted, free of charge, to any person obtaining a copy of this software and
associated documentation files (the "Software"), to deal in the Software without restriction,
including without limitation the rights to use, copy, modify, merge, publish, distribute,
sublicense, and/or sell copies of the Software, and to permit persons to whom the Software is
furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or
substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT
NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND
NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM,
DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM, OUT
OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.`;
}

// What a release is checked for before anything is built, and its notes.
// Usage: release.js check [TAG]; release.js notes [VERSION]

import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { Failure, isScript, listen, main, ROOT, readJson, readOptions } from './util.js';

const read = (file) => readFileSync(join(ROOT, file), 'utf8');
// In brackets, so as not to find itself.
const PLACEHOLDER = 'github.com/[O]WNER/';

/** What speaks against a release of this checkout, most basic first; `tag` and `repository` are those of the workflow. */
export async function obstacles({ tag, repository } = {}) {
  const {
    version,
    repository: { url },
  } = readJson('package.json');
  const { stdout } = await listen(['git', 'grep', '-lE', PLACEHOLDER]);
  const [, crate] = /^version = "(.+)"$/m.exec(read('Cargo.toml'));
  const [, heading] = /^## (.+)$/m.exec(read('CHANGELOG.md'));
  const locked = readJson('package-lock.json').version;
  const own = `git+https://github.com/${repository}.git`;
  return [
    stdout !== '' &&
      `The repository has no name yet, and npm takes no provenance without: write the owner's name in the place of OWNER in ${stdout.trim().split('\n').join(', ')}.`,
    repository && url !== own && `package.json says that the repository is ${url}, and this is ${own}.`,
    crate !== version && `Cargo.toml has the version ${crate}, package.json ${version}.`,
    locked !== version && `package-lock.json has the version ${locked}, package.json ${version}: run \`npm install\`.`,
    heading !== version && `The first heading of CHANGELOG.md is "${heading}" and not "${version}".`,
    tag && tag !== `v${version}` && `The tag is ${tag}, the version ${version}.`,
  ].filter(Boolean);
}

/** The newest section of CHANGELOG.md, whatever its heading is, under that of a version. */
export function notes(version) {
  const [, text] = /^## .+\n([\s\S]*?)(?=^## |$(?![\s\S]))/m.exec(read('CHANGELOG.md'));
  return `# connector-smsaero-native ${version}\n\n${text.trim()}\n`;
}

if (isScript(import.meta.url)) {
  await main(async () => {
    const [what, word] = readOptions({}).words;
    if (what === 'notes') return process.stdout.write(notes(word ?? readJson('package.json').version));
    if (what !== 'check') throw new Failure('release.js takes check or notes.');
    const found = await obstacles({ tag: word, repository: process.env.GITHUB_REPOSITORY });
    if (found.length > 0) throw new Failure(found.join('\n'));
    console.log('Nothing speaks against this release.');
  });
}

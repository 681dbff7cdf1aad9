// Debian packages unpacked into a folder: nothing is installed, the machine's own apt untouched.

import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';

import { BUILD_FOLDER, Failure, run } from './util.js';

const SOURCES = '/etc/apt/sources.list.d';

/**
 * Unpacks packages into `build/platforms/<folder>` once and returns that folder.
 * `choose` picks from the closure of dependencies of `names`; without it only `names` are taken.
 */
export async function unpackDebian(folder, names, { suite, architecture = 'amd64', choose } = {}) {
  const target = join(BUILD_FOLDER, folder);
  if (existsSync(target)) return target;
  const apt = await prepareApt(suite ?? codename(), architecture);

  const chosen = choose ? [...names, ...(await closure(apt, names)).filter(choose)] : names;
  const debs = join(apt.home, 'debs', folder);
  rmSync(debs, { recursive: true, force: true });
  mkdirSync(debs, { recursive: true });
  await run(['apt-get', ...apt.options, '--quiet=2', 'download', ...new Set(chosen)], {
    cwd: debs,
  });

  // Unpacked aside and renamed, so that an interrupted run leaves no half of a folder.
  const aside = `${target}.partial`;
  rmSync(aside, { recursive: true, force: true });
  for (const deb of readdirSync(debs)) await run(['dpkg', '-x', join(debs, deb), aside]);
  rmSync(debs, { recursive: true, force: true });
  renameSync(aside, target);
  return target;
}

const prepared = new Map();

function prepareApt(suite, architecture) {
  const key = `${suite}-${architecture}`;
  if (!prepared.has(key)) prepared.set(key, updateApt(key, suite, architecture));
  return prepared.get(key);
}

async function updateApt(key, suite, architecture) {
  const home = join(BUILD_FOLDER, 'apt', key);
  mkdirSync(join(home, 'lists', 'partial'), { recursive: true });
  mkdirSync(join(home, 'cache', 'archives', 'partial'), { recursive: true });
  const list = join(home, 'sources.list');
  writeFileSync(list, sourcesFor(suite).join('\n').concat('\n'));
  const settings = {
    'APT::Architecture': architecture,
    'APT::Architectures': architecture,
    // The packages are not for this machine: what is installed here must not decide what is taken.
    'Dir::State::status': '/dev/null',
    'Dir::State::Lists': join(home, 'lists'),
    'Dir::Cache': join(home, 'cache'),
    'Dir::Etc::SourceList': list,
    'Dir::Etc::SourceParts': '-',
    // apt's own user may not write into a checkout.
    'APT::Sandbox::User': process.getuid() === 0 ? 'root' : '',
  };
  const options = Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
  await run(['apt-get', ...options, '--quiet=2', 'update']);
  return { home, options };
}

async function closure({ options }, names) {
  const flags = ['recommends', 'suggests', 'conflicts', 'breaks', 'replaces', 'enhances'];
  const only = flags.map((kind) => `--no-${kind}`);
  const command = ['apt-cache', ...options, 'depends', '--recurse', ...only, ...names];
  const lines = (await run(command, { capture: true })).split('\n');
  return lines.filter((line) => /^[a-z0-9]/.test(line));
}

/** Whether the machine has sources of Debian packages. */
export function isDebian() {
  return /^ID=debian$/m.test(osRelease());
}

function codename() {
  const [, name] = /^VERSION_CODENAME=(\w+)$/m.exec(osRelease()) ?? [];
  if (!isDebian() || name === undefined) {
    throw new Failure(
      'This fetches packages with the apt sources of a Debian machine, and this is none.',
    );
  }
  return name;
}

function osRelease() {
  return existsSync('/etc/os-release') ? readFileSync('/etc/os-release', 'utf8') : '';
}

// The machine's own sources, mirrors included; another suite is looked for beside its main one.
function sourcesFor(suite) {
  const own = codename();
  const stanzas = readSources();
  const wanted = suite === own ? (name) => name.startsWith(own) : (name) => name === own;
  const lines = stanzas.flatMap(({ uris, suites, components, options }) =>
    suites
      .filter(wanted)
      .flatMap((name) =>
        uris.map((uri) => `deb ${options}${uri} ${name.replace(own, suite)} ${components}`),
      ),
  );
  if (lines.length === 0) throw new Failure(`No apt source of this machine offers ${own}.`);
  return lines;
}

function readSources() {
  const files = existsSync(SOURCES) ? readdirSync(SOURCES).map((name) => join(SOURCES, name)) : [];
  const deb822 = files.filter((file) => file.endsWith('.sources')).flatMap(readDeb822);
  const lists = ['/etc/apt/sources.list', ...files.filter((file) => file.endsWith('.list'))];
  return [...deb822, ...lists.filter((file) => existsSync(file)).flatMap(readList)];
}

function readDeb822(file) {
  const text = readFileSync(file, 'utf8').replace(/^#.*\n/gm, '');
  return text.split(/\n\s*\n/).flatMap((stanza) => {
    const field = (name) => new RegExp(`^${name}:[ \\t]*(.+)$`, 'mi').exec(stanza)?.[1].trim();
    if (!field('Types')?.split(/\s+/).includes('deb')) return [];
    const key = field('Signed-By');
    return {
      uris: field('URIs').split(/\s+/),
      suites: field('Suites').split(/\s+/),
      components: field('Components') ?? 'main',
      options: key ? `[signed-by=${key}] ` : '',
    };
  });
}

function readList(file) {
  const lines = readFileSync(file, 'utf8').split('\n');
  return lines.flatMap((line) => {
    const [, options = '', uri, suite, components] =
      /^deb\s+(\[[^\]]*\]\s+)?(\S+)\s+(\S+)\s+(.+)$/.exec(line.trim()) ?? [];
    return uri ? { uris: [uri], suites: [suite], components, options } : [];
  });
}

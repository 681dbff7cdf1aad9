// Programs and libraries for other platforms, unpacked into `build/`: nothing is installed.

import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { BUILD, Failure, once, run, TOOLS, works } from '../util.js';

/** What this machine cannot provide; a task that needs it is left out. */
export class Unavailable extends Failure {}

/** A package of npm, with these versions of what it depends on; gives its folder. */
export async function npmPackage(name, version, flags = [], overrides = {}) {
  const quiet = ['--no-save', '--no-package-lock', '--no-audit', '--no-fund', '--ignore-scripts'];
  const folder = await once(`npm-${name}-${version}`, async (into) => {
    writeFileSync(join(into, 'package.json'), JSON.stringify({ private: true, overrides }));
    await run(['npm', 'install', ...quiet, ...flags, '--prefix', into, `${name}@${version}`]);
  });
  return join(folder, 'node_modules', name);
}

/** A wheel of PyPI; of another platform it is only unpacked, which pip does for any that is named. */
export async function wheel(name, version = TOOLS[name], platform = undefined) {
  const foreign = platform ? ['--platform', platform, '--python-version', '3.12'] : [];
  const flags = ['--quiet', '--no-deps', '--no-compile', '--only-binary=:all:', ...foreign];
  const env = {
    ...process.env,
    PIP_ROOT_USER_ACTION: 'ignore',
    PIP_DISABLE_PIP_VERSION_CHECK: '1',
  };
  const install = ['python3', '-m', 'pip', 'install', ...flags];
  return once([name, version, platform].filter(Boolean).join('-').replace('*', 'x'), async (into) => {
    if (!(await works(['python3', '-m', 'pip', '--version']))) {
      throw new Unavailable(`${name} comes from Python's packages, and there is no python3 with pip here.`);
    }
    await run([...install, '--target', into, `${name}==${version}`], { env });
  });
}

/** A cargo subcommand, compiled once where it is not installed; gives the environment that finds it. */
export async function cargoTool(name, flags = []) {
  if (await works(['cargo', name.replace('cargo-', ''), '--version'])) return process.env;
  const folder = await once(`${name}-${TOOLS[name]}`, (into) =>
    run(['cargo', 'install', '--locked', '--quiet', ...flags, '--root', into, `${name}@${TOOLS[name]}`]),
  );
  return { ...process.env, PATH: `${join(folder, 'bin')}:${process.env.PATH}` };
}

/** Debian packages of a suite, by the machine's own sources; `choose` picks from what they depend on. */
export async function debian(names, { suite, architecture = 'amd64', choose } = {}) {
  return once(`debian-${names[0]}-${architecture}`, async (into) => {
    const tools = ['apt-get', 'apt-cache', 'dpkg'];
    if (!isDebian() || !(await Promise.all(tools.map((tool) => works([tool, '--version'])))).every(Boolean)) {
      throw new Unavailable(`${names[0]} comes from Debian's packages, which this machine has no apt for.`);
    }
    const apt = await aptFor(suite ?? codename(), architecture);
    const all = choose ? [...names, ...(await dependencies(apt, names)).filter(choose)] : names;
    const debs = join(BUILD, 'debs', `${names[0]}-${architecture}`);
    mkdirSync(debs, { recursive: true });
    await run(['apt-get', ...apt, '--quiet=2', 'download', ...new Set(all)], { cwd: debs });
    for (const deb of readdirSync(debs)) await run(['dpkg', '-x', join(debs, deb), into]);
  });
}

export const isDebian = () => /^ID=debian$/m.test(osRelease());

const codename = () => /^VERSION_CODENAME=(\w+)$/m.exec(osRelease())?.[1] ?? 'stable';

function osRelease() {
  try {
    return readFileSync('/etc/os-release', 'utf8');
  } catch {
    return '';
  }
}

/** The options of an apt of our own: the machine's sources for a suite and an architecture. */
async function aptFor(suite, architecture) {
  const home = join(BUILD, 'apt', `${suite}-${architecture}`);
  const parts = join(home, 'sources');
  for (const folder of [parts, join(home, 'lists/partial'), join(home, 'archives/partial')]) {
    mkdirSync(folder, { recursive: true });
  }
  for (const [name, text] of sources()) {
    writeFileSync(join(parts, name), text.replaceAll(codename(), suite));
  }
  const settings = {
    'APT::Architecture': architecture,
    'APT::Architectures': architecture,
    // What is installed here must not decide what is taken.
    'Dir::State::status': '/dev/null',
    'Dir::State::Lists': join(home, 'lists'),
    'Dir::Cache': home,
    'Dir::Etc::SourceList': '-',
    'Dir::Etc::SourceParts': parts,
    // apt's own user may not write into a checkout.
    'APT::Sandbox::User': process.getuid() === 0 ? 'root' : '',
  };
  const options = Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
  await run(['apt-get', ...options, '--quiet=2', 'update']);
  return options;
}

function sources() {
  const folder = '/etc/apt/sources.list.d';
  const read = (file) => {
    try {
      return readFileSync(file, 'utf8');
    } catch {
      return '';
    }
  };
  const names = readdirSync(folder).filter((name) => /\.(list|sources)$/.test(name));
  const files = names.map((name) => [name, read(join(folder, name))]);
  return [...files, ['main.list', read('/etc/apt/sources.list')]];
}

async function dependencies(apt, names) {
  const others = ['recommends', 'suggests', 'conflicts', 'breaks', 'replaces', 'enhances'];
  const flags = ['--recurse', ...others.map((kind) => `--no-${kind}`)];
  const output = await run(['apt-cache', ...apt, 'depends', ...flags, ...names]);
  return output.split('\n').filter((line) => /^[a-z0-9]/.test(line));
}

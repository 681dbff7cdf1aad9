// What must not get into the repository: paths of a machine, hosts of package registries, gaps in the lock file.

import { homedir } from 'node:os';

import { Failure, listen, ROOT, readJson } from './util.js';

// A person's folder on some machine; containers have /home/node for everybody. In brackets, so as not to find itself.
const PERSONAL =
  '(^|[^[:alnum:]_.~-])(/home/[a-mo-z][[:alnum:]_.-]*|/Users/[[:alnum:]_.-]+|/[r]oot)/|[A-Z]:\\\\Users\\\\';
const REGISTRY =
  'registry\\.(np[m]js|npmmirr[o]r|yarnpk[g])|npm\\.pk[g]\\.github|(index|static)\\.crat[e]s\\.io|files\\.pythonh[o]sted|pyp[i]\\.org';
// Of the fuzzer's inputs each byte counts.
const NOT = [':!fuzz/corpus', ':!:**/package-lock.json', ':!:**/Cargo.lock', ':!package-lock.json', ':!Cargo.lock'];

/** Throws with the places where something of this is found. */
export async function checkHygiene() {
  const own = [ROOT.slice(0, -1), homedir()].filter((path) => path.split(/[\\/]/).length > 2);
  const patterns = [PERSONAL, REGISTRY, ...own.map((path) => path.replaceAll('.', '\\.'))];
  const search = ['git', 'grep', '--untracked', '-nIE', ...patterns.flatMap((one) => ['-e', one]), '--', '.', ...NOT];
  const { code, output } = await listen(search);
  if (code === 0) throw new Failure(`A path of a machine or the host of a registry is in a file:\n${output}`);
  if (code !== 1) throw new Failure(`git cannot search the files: this check needs a checkout. ${output}`);
  // npm leaves out of the lock what its registry did not have for another platform, and npm ci then refuses the lock.
  const { packages } = readJson('package-lock.json');
  const names = new Set(Object.keys(packages).map((path) => path.split('node_modules/').at(-1)));
  const optional = Object.values(packages).flatMap((entry) => Object.keys(entry.optionalDependencies ?? {}));
  const gaps = optional.filter((name) => !names.has(name));
  if (gaps.length > 0) throw new Failure(`package-lock.json lacks ${gaps.join(', ')}, and npm ci would not install.`);
}

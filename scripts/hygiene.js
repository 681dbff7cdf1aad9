// What must not get into the repository, looked for in every file that git would keep.

import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

import { listen, quietly } from './command.js';
import { Failure, ROOT } from './platforms/util.js';

const LOCK_FILES = /(^|\/)(package-lock\.json|Cargo\.lock)$/;
// Inputs of the fuzzer, in which each byte counts.
const RAW = /^fuzz\/corpus\//;
// A person's folder on some machine; containers have /home/node for everybody.
const PERSONAL =
  /(?<![\w.~-])(\/home\/(?!node\b)[\w.-]+|\/Users\/[\w.-]+|\/root)\/|[A-Z]:\\Users\\/;
const REGISTRY =
  /\bregistry\.(np[m]js|npmmirr[o]r|yarnpk[g])\b|\bnpm\.pk[g]\.github\b|\b(index|static)\.crat[e]s\.io\b|\bfiles\.pythonh[o]sted\b|\bpyp[i]\.org\b/;

/** Throws for machine paths, registry hosts, files whose last line has no end, and gaps of the lock file. */
export async function checkHygiene() {
  const names = await keptFiles();
  const local = [...ownPaths(), ...(await ownRegistry())];
  const problems = [...names.flatMap((name) => problemsOf(name, local)), ...gapsOfLock()];
  for (const problem of problems) console.log(`  ${problem}`);
  if (problems.length > 0)
    throw new Failure(`Files are not as they should be: ${problems.length}.`);
  return names.length;
}

async function keptFiles() {
  const command = ['git', 'ls-files', '-z', '--cached', '--others', '--exclude-standard'];
  const list = await quietly(command, 'git cannot list the files: this check needs a checkout.');
  return list.split('\0').filter((name) => name && !RAW.test(name));
}

function problemsOf(name, local) {
  const text = textOf(name);
  if (!text) return [];
  const lines = text.split('\n');
  const found = lines.flatMap((line, index) => {
    const what = complaintOf(line, local, LOCK_FILES.test(name));
    return what ? [`${name}:${index + 1}: ${what}`] : [];
  });
  return lines.at(-1) === '' ? found : [...found, `${name}: the last line has no end`];
}

function complaintOf(line, local, isLockFile) {
  const path = PERSONAL.exec(line)?.[0];
  if (path) return `a path of somebody's machine, ${path}`;
  const own = local.find((text) => line.includes(text));
  if (own) return `a name of this machine, ${own}`;
  const host = !isLockFile && REGISTRY.exec(line)?.[0];
  return host ? `a registry's host, ${host}` : undefined;
}

/** A file's text; nothing for what is binary, empty, or deleted but not yet committed. */
function textOf(name) {
  try {
    const bytes = readFileSync(join(ROOT, name));
    return bytes.includes(0) ? undefined : bytes.toString();
  } catch (error) {
    if (error.code === 'ENOENT' || error.code === 'EISDIR') return undefined;
    throw error;
  }
}

function ownPaths() {
  const deep = (path) => path.split(/[\\/]/).filter(Boolean).length > 1;
  return [ROOT.slice(0, -1), homedir()].filter(deep);
}

// The mirror that this machine installs from, if it is one.
async function ownRegistry() {
  const { code, stdout } = await listen(['npm', 'config', 'get', 'registry']);
  if (code !== 0 || !URL.canParse(stdout.trim())) return [];
  const { hostname } = new URL(stdout.trim());
  return hostname.includes('.') && !/^[\d.]+$/.test(hostname) ? [hostname] : [];
}

// npm leaves out of the lock what its registry did not have for another platform, and npm ci then refuses the lock.
function gapsOfLock() {
  const { packages } = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8'));
  const names = new Set(Object.keys(packages).map((path) => path.split('node_modules/').at(-1)));
  const optional = Object.values(packages).flatMap((entry) =>
    Object.keys(entry.optionalDependencies ?? {}),
  );
  const gaps = optional.filter((name) => !names.has(name));
  return gaps.map((name) => `package-lock.json: ${name} is missing, and npm ci would not install`);
}

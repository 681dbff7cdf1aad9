import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';

// What is gone by the time it is looked at does not count.
const attempt = (read) => {
  try {
    return read();
  } catch {
    return '';
  }
};

/** How many sockets this process has open; undefined where the system does not tell. */
export function openSockets() {
  const descriptors = attempt(() => readdirSync('/proc/self/fd'));
  if (!descriptors) return undefined;
  const targets = descriptors.map((name) => attempt(() => readlinkSync(`/proc/self/fd/${name}`)));
  return targets.filter((target) => target.startsWith('socket:')).length;
}

/** The names of this process's threads; undefined where the system does not tell. */
export function threadNames() {
  const tasks = attempt(() => readdirSync('/proc/self/task'));
  if (!tasks) return undefined;
  const nameOf = (task) =>
    attempt(() => readFileSync(`/proc/self/task/${task}/comm`, 'utf8')).trim();
  return tasks.map(nameOf).filter(Boolean);
}

/** Resident megabytes; with `--expose-gc`, of what is still in use. */
export async function megabytes() {
  for (let round = 0; round < 3; round += 1) {
    globalThis.gc?.();
    await setImmediate();
  }
  return process.memoryUsage.rss() / 2 ** 20;
}

#!/usr/bin/env node
import { version } from './addon.js';
import { sentenceOf } from './format.js';
import { help, readOptions, UsageError, unknownCommand } from './usage.js';

const commands = {
  doctor: async () => (await import('./doctor.js')).doctor,
  status: async () => (await import('./status.js')).status,
  send: async () => (await import('./send.js')).send,
  inbox: async () => (await import('./inbox.js')).inbox,
  demo: async () => (await import('./demo.js')).demo,
};

const run = async ([word, ...rest]) => {
  if (word === '--version' || word === '-v') return console.log(version);
  if (word === '--help' || word === '-h' || word === 'help') return console.log(help(rest[0]));
  if (word === undefined) throw new UsageError(`No command was given.\n\n${help()}`);
  if (!Object.hasOwn(commands, word)) throw unknownCommand(word, Object.keys(commands));
  const options = readOptions(word, rest);
  if (options.help) return console.log(help(word));
  const command = await commands[word]();
  return command(options);
};

// A reader such as `head` that has seen enough is no failure of ours.
process.stdout.on('error', ({ code }) => process.exit(code === 'EPIPE' ? 0 : 1));

try {
  process.exitCode = (await run(process.argv.slice(2))) ?? 0;
} catch (error) {
  console.error(sentenceOf(error));
  process.exitCode = error instanceof UsageError ? 2 : 1;
}

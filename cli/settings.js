import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';

import { defaultTemplates } from './addon.js';
import { UsageError } from './usage.js';

const VARIABLES = {
  email: 'SMSAERO_EMAIL',
  apiKey: 'SMSAERO_API_KEY',
  senderName: 'SMSAERO_SENDER',
};

/** The configuration that the options or the environment name, and where it is from. */
export const readSettings = async ({ config }, connector, env = process.env) => {
  if (config !== undefined) {
    return { source: config === '-' ? 'standard input' : config, config: await readConfig(config) };
  }
  const given = Object.entries(VARIABLES).filter(([, variable]) => env[variable]);
  if (given.length === 0) {
    const names = Object.values(VARIABLES).join(', ');
    throw new UsageError(`There is no configuration: name a file with --config FILE, or set ${names}.`);
  }
  const account = Object.fromEntries(given.map(([key, variable]) => [key, env[variable]]));
  const templates = connector === null ? undefined : await defaultTemplates(connector);
  return { source: 'environment', config: { ...account, templates, fallbackToGeneric: true } };
};

/** Where a field of the configuration is to be put right. */
export const placeOf = (field, source) =>
  source === 'environment' && VARIABLES[field] ? `the variable ${VARIABLES[field]}` : `the field ${field}`;

export const readConfig = async (file) => {
  const value = parse(await contents(file), file === '-' ? 'Standard input' : file);
  // What Logto's Management API says of a connector holds the configuration beside other things.
  return value?.connectorId && value.config ? value.config : value;
};

const contents = async (file) => {
  try {
    return await (file === '-' ? text(process.stdin) : readFile(file, 'utf8'));
  } catch ({ code }) {
    const why = {
      ENOENT: 'there is no such file',
      EISDIR: 'it is a folder',
      EACCES: 'access is denied',
    };
    throw new UsageError(`The configuration ${file} cannot be read: ${why[code] ?? code}.`);
  }
};

// Node's own sentence would quote the text around the mistake, which may be the key.
const parse = (json, name) => {
  try {
    return JSON.parse(json.replace(/^\uFEFF/, ''));
  } catch ({ message }) {
    const position = /position (\d+)/.exec(message)?.[1];
    const line = position && json.slice(0, Number(position)).split('\n').length;
    throw new UsageError(`${name} is not valid JSON${line ? `: look at line ${line}` : ''}.`);
  }
};

import { startInbox } from '../testing/ui.js';
import { defaultTemplates, load } from './addon.js';
import { painter } from './format.js';
import { readConfig } from './settings.js';
import { UsageError } from './usage.js';

/** Runs the local SMS Aero with its page until it is interrupted. */
export const inbox = async ({ host, port, config }) => {
  const running = await start({ host, port: readPort(port), ...(await known(config)) });
  const paint = painter(process.stdout);
  console.log(
    [
      `Inbox: ${paint.bold(running.url)}`,
      '',
      'Start the Logto under development with this, and every code is on that page:',
      `  ${paint.cyan(`SMSAERO_GATEWAYS=${running.url}`)}`,
      '',
      'Nothing is sent to anybody. Stop it with Ctrl+C.',
    ].join('\n'),
  );
  await interrupted();
  await running.stop();
  return 0;
};

const readPort = (port) => {
  if (!/^\d{1,5}$/.test(port) || Number(port) > 65535) {
    throw new UsageError('--port takes a number from 0 to 65535; 0 is one that is free.');
  }
  return Number(port);
};

// Only to name what a message is for, so the page works without the native part as well.
const known = async (file) => {
  if (file !== undefined) {
    const { templates, senderName } = Object(await readConfig(file));
    return {
      templates: Array.isArray(templates) ? templates : [],
      signs: typeof senderName === 'string' ? [senderName] : [],
    };
  }
  const { connector } = await load();
  return { templates: connector === null ? [] : await defaultTemplates(connector) };
};

const start = async (options) => {
  try {
    return await startInbox(options);
  } catch (error) {
    if (error instanceof TypeError) throw new UsageError(error.message);
    const why = {
      EADDRINUSE: `The port ${options.port} is in use. Choose another with --port, or leave it out.`,
      EACCES: `The port ${options.port} needs more rights. Choose one above 1023 with --port.`,
      EADDRNOTAVAIL: `This machine has no address ${options.host}. Leave --host out.`,
    };
    throw new Error(why[error.code] ?? `The inbox cannot listen on ${options.host}: ${error.code}.`);
  }
};

const interrupted = () =>
  new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, resolve);
  });

import { parseArgs } from 'node:util';

/** A call that cannot be understood: exit code 2. */
export class UsageError extends Error {}

const CONFIGURATION = {
  config: { type: 'string' },
  gateways: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
};

const OPTIONS = {
  doctor: { ...CONFIGURATION, json: { type: 'boolean' } },
  send: {
    ...CONFIGURATION,
    to: { type: 'string' },
    type: { type: 'string', default: 'SignIn' },
    locale: { type: 'string' },
    code: { type: 'string', default: '123456' },
    text: { type: 'string' },
    test: { type: 'boolean' },
    yes: { type: 'boolean', short: 'y' },
  },
  status: { ...CONFIGURATION, test: { type: 'boolean' }, json: { type: 'boolean' } },
  demo: { help: { type: 'boolean', short: 'h' } },
  inbox: {
    port: { type: 'string', default: '0' },
    host: { type: 'string', default: '127.0.0.1' },
    config: { type: 'string' },
    help: { type: 'boolean', short: 'h' },
  },
};

const WHERE = `The configuration is the JSON that Logto stores for the connector:
  --config FILE       a file that holds it, or - for standard input
                      Without it: SMSAERO_EMAIL, SMSAERO_API_KEY and SMSAERO_SENDER
                      from the environment, with the connector's own templates.
  --gateways URLS     base URLs in the place of SMS Aero's, separated by commas
                      Without it: SMSAERO_GATEWAYS, then SMS Aero's own.`;

const HELP = {
  doctor: `Usage: connector-smsaero-native doctor [--config FILE] [--gateways URLS] [--json]

Looks for everything that could stop messages: configuration, templates, network,
credentials, balance, sender name, native binary. Sends nothing.

${WHERE}
  --json              the findings as JSON

Exit code: 0 nothing stops messages, 1 something would, 2 wrong usage.`,

  send: `Usage: connector-smsaero-native send --to NUMBER [options]

Sends one message, after showing what it will say and how many parts it will cost.

  --to NUMBER         the phone number with its country code
  --type TYPE         Logto's usage type, which chooses the template (default SignIn)
  --locale TAG        the language that the recipient wants, such as ru
  --code CODE         the code to send (default 123456)
  --text TEXT         this text and no template: type, locale and code do not matter
  --test              SMS Aero answers as if it sent; nothing is sent or charged
  -y, --yes           send without asking; needed where there is no terminal

${WHERE}

Exit code: 0 SMS Aero accepted it, 1 it did not, or nothing was sent, 2 wrong usage.`,

  status: `Usage: connector-smsaero-native status ID [options]

Asks SMS Aero what became of a message. ID is the number that send prints.

  --test              the message was sent with testMode, or with send --test
  --json              the answer as JSON

${WHERE}

Exit code: 0 SMS Aero answered, 1 it did not, 2 wrong usage.`,

  inbox: `Usage: connector-smsaero-native inbox [--port PORT] [--host HOST] [--config FILE]

A local SMS Aero with a page that shows every message as it arrives. Nothing is sent,
and any credentials are accepted. For development: whoever reaches it reads the codes.

  --port PORT         default: one that is free
  --host HOST         a loopback address (default 127.0.0.1)
  --config FILE       a configuration whose templates name what each message is for;
                      without it the connector's own templates are looked for`,

  demo: `Usage: connector-smsaero-native demo

Shows what an administrator and a user of Logto meet, with a gateway on this machine:
a refused configuration, a test message, four flows, a refusal. Nothing is sent.`,
};

/** What a command takes, or what commands there are. */
export const help = (command) =>
  (Object.hasOwn(HELP, command) && HELP[command]) ||
  `Usage: connector-smsaero-native COMMAND [options]

  doctor     looks for what could stop messages, and sends nothing
  send       sends one message
  status     says what became of a message
  inbox      shows the messages of a Logto under development in the browser
  demo       shows what the connector does, on this machine alone

  --help     this text; after a command, what it takes
  --version  the version of the package`;

export const unknownCommand = (word, known) =>
  new UsageError(
    `There is no command ${JSON.stringify(word)}. The commands are ${known.join(', ')}; --help says what they do.`,
  );

// Commands with a word beside their options.
const WORDS = { status: 1 };

/** The options of a command; our own sentences, since Node's would repeat a phone number. */
export const readOptions = (command, args) => {
  try {
    const allowPositionals = Object.hasOwn(WORDS, command);
    const { values, positionals } = parseArgs({ args, options: OPTIONS[command], allowPositionals });
    if (positionals.length > (WORDS[command] ?? 0)) {
      throw new UsageError(`${command} takes one number; there is a word too many. See: ${command} --help`);
    }
    return { ...values, words: positionals };
  } catch (error) {
    if (error instanceof UsageError) throw error;
    const { code, message } = error;
    const named = /'(-{1,2}[^' =]+)/.exec(message)?.[1];
    const sentence = {
      ERR_PARSE_ARGS_UNKNOWN_OPTION: `${command} has no option ${named}.`,
      ERR_PARSE_ARGS_UNEXPECTED_POSITIONAL: `${command} takes options only; there is a word too many.`,
      ERR_PARSE_ARGS_INVALID_OPTION_VALUE: `The option ${named} is not used as it should be: either its value is missing, or it takes none.`,
    }[code];
    throw new UsageError(`${sentence ?? message} See: ${command} --help`);
  }
};

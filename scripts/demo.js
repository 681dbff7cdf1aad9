// Shows the connector at work in Logto, against a local SMS Aero; with --to, one message through the real one.
// Usage: npm run demo [-- --to 7XXXXXXXXXX [--yes]], for the latter with SMSAERO_EMAIL and SMSAERO_API_KEY set.

import { randomInt } from 'node:crypto';
import { inspect } from 'node:util';

import { startGateway } from '../testing/index.js';
import { build } from './build.js';
import { readOptions } from './command.js';
import { install } from './install.js';
import { startLogto } from './logto.js';
import { paint, phone } from './phone.js';
import { Failure, main } from './platforms/util.js';
import { readOrder, sendReally } from './real.js';

const NUMBER = '79001234567';
const RUSSIAN = {
  usageType: 'SignIn',
  locale: 'ru',
  content: 'Код для входа: {{code}}. Никому его не говорите.',
};

await main(async () => {
  const options = readOptions({ to: { type: 'string' }, yes: { type: 'boolean' } });
  // What cannot be done is said before anything is built.
  const order = options.to === undefined ? undefined : readOrder(options, process.env);
  step('Install and build');
  say(`Dependencies: ${await install()}. Now cargo, which takes a minute or two the first time.`);
  await build();
  step('Pack the package, and add it as `logto connector add` does');
  const logto = await startLogto();
  try {
    const { cli, kit, own } = logto.versions;
    say(`The loader of @logto/cli ${cli} loaded version ${own} beside connector-kit ${kit}.`);
    await (order ? sendReally(order, logto) : walk(logto));
  } finally {
    logto.remove();
  }
});

async function walk(logto) {
  const gateway = await startGateway({ account: { strictSigns: true } });
  // In the place of SMS Aero's own gateways: nothing of this leaves the machine.
  process.env.SMSAERO_GATEWAYS = gateway.url;
  try {
    const config = configure(logto, gateway);
    await refuseMistakes(logto, config);
    await testInConsole(logto, gateway, config);
    await signUpAndIn(logto, gateway);
    await runOutOfMoney(logto, gateway, config);
  } finally {
    await gateway.stop();
  }
  close();
}

function configure({ metadata }, { account }) {
  const { defaultValue } = metadata.formItems.find(({ key }) => key === 'templates');
  const { email, apiKey } = account;
  return { email, apiKey, senderName: 'SMS Aero', templates: [...defaultValue, RUSSIAN] };
}

async function refuseMistakes(logto, config) {
  step('The administrator saves a configuration with three mistakes');
  const [template] = config.templates;
  const wrong = { email: 'owner at example.com', senderName: 'SMS Aero', templates: [template] };
  const error = thrownBy(() => logto.save(wrong));
  // The Console shows details of this class of errors only.
  const { ZodError } = await import('zod');
  const issues = error?.data?.issues ?? [];
  const fields = issues.map(({ path }) => path.join('.'));
  expect(error?.data instanceof ZodError, 'Logto did not refuse the wrong configuration.');
  expect(String(fields) === 'email,apiKey,templates', `The wrong fields were named: ${fields}.`);
  showAnswer('The Console', logto.answerTo(error));
  for (const { path, message } of issues) say(`  ${paint('bold', path.join('.'))}: ${message}`);
}

async function testInConsole(logto, gateway, config) {
  step('The form is right now: the administrator presses "Send", then "Save"');
  const receipt = await logto.test(NUMBER, config);
  const message = await gateway.nextMessage(NUMBER);
  expect(message.code === '000000', 'The test message does not hold the code 000000.');
  show(message);
  say(
    `SMS Aero took it as number ${receipt.id}, for ${receipt.cost}. The Console says that it was sent.`,
  );
  logto.save(config);
}

async function signUpAndIn(logto, gateway) {
  await flow('Somebody registers', 'Register');
  await flow(
    'The same person signs in, with a browser that speaks Russian',
    'SignIn',
    'ru-RU ru en',
  );
  await flow('The password is forgotten', 'ForgotPassword');
  await flow('The second step of a sign-in with MFA', 'MfaVerification');

  async function flow(title, type, uiLocales = 'en') {
    step(title);
    const code = String(randomInt(1e6)).padStart(6, '0');
    await logto.send(NUMBER, type, { code, locale: uiLocales.split(' ')[0], uiLocales });
    const message = await gateway.nextMessage(NUMBER);
    const alphabet = uiLocales === 'en' ? 'GSM' : 'UCS-2';
    expect(message.code === code, `The message is without the code that Logto made for ${type}.`);
    expect(message.parts === 1, `The message for ${type} takes ${message.parts} parts.`);
    expect(message.alphabet === alphabet, `The message for ${type} is not in ${alphabet}.`);
    show(message);
    say(`The user types ${paint('bold', code)}, and Logto goes on.`);
  }
}

async function runOutOfMoney(logto, gateway, config) {
  step('The account runs out of money');
  gateway.account.balance = 0;
  const before = gateway.messages.length;
  const code = '905317';
  const told = await thrownBy(() => logto.test(NUMBER, config));
  const met = await thrownBy(() => logto.send(NUMBER, 'SignIn', { code }));
  for (const error of [told, met]) {
    expect(
      error?.data?.reason === 'no_money',
      'The refusal was not told as one for want of money.',
    );
    const secret = [config.apiKey, NUMBER, code].find((text) => inspect(error).includes(text));
    expect(!secret, 'The error holds a secret.');
  }
  expect(gateway.messages.length === before, 'A message went out without money.');
  const [administrator, user] = [told, met].map(logto.answerTo);
  expect(
    administrator.message !== user.message,
    'A user is told what only the administrator should be.',
  );
  showAnswer('The administrator, who pressed "Send",', administrator);
  showAnswer('A user at the sign-in page', user);
  say('For the log: SMS Aero said HTTP 402; no key, number or code is in the error.');
}

function close() {
  const guide = 'docs/console.md is the guide that the Console shows';
  const real = '`npm run demo -- --to 7XXXXXXXXXX` sends one real message';
  console.log(
    `\nShown: installing, a refused configuration, the Console's test, four flows with their messages, a refusal. Next: ${guide}; ${real}.`,
  );
}

function step(title) {
  console.log(`\n${paint('bold', `» ${title}`)}`);
}

function say(sentence) {
  console.log(`   ${sentence}`);
}

function show(message) {
  console.log(phone(message).replaceAll(/^/gm, '   '));
}

function showAnswer(reader, { status, code, message }) {
  say(`${reader} gets HTTP ${status}, ${code}:`);
  say(`  ${message}`);
}

function thrownBy(act) {
  try {
    const result = act();
    return typeof result?.then === 'function'
      ? result.then(
          () => undefined,
          (error) => error,
        )
      : undefined;
  } catch (error) {
    return error;
  }
}

function expect(isSo, sentence) {
  if (!isSo) throw new Failure(`Not as expected: ${sentence}`);
}

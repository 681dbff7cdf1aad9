import { randomInt } from 'node:crypto';
import { inspect } from 'node:util';

import { startGateway } from '../testing/index.js';
import { binary, defaultTemplates, load, version } from './addon.js';
import { counted, painter, table } from './format.js';

const NUMBER = '79001234567';
const RUSSIAN = {
  usageType: 'SignIn',
  locale: 'ru',
  content: 'Код для входа: {{code}}. Никому его не говорите.',
};
// What Logto calls the flows of its sign-in page, and what a person does there.
const FLOWS = [
  ['Register', 'Somebody registers'],
  ['SignIn', 'The same person signs in, with a browser that speaks Russian', 'ru-RU'],
  ['ForgotPassword', 'The password is forgotten'],
  ['MfaVerification', 'The second step of a sign-in'],
];
const paint = painter(process.stdout);

/** Shows what an administrator and a user meet, against a gateway on this machine. Nothing is sent. */
export const demo = async () => {
  const { connector, error } = await load();
  if (connector === null) throw new Error(error);
  const gateway = await startGateway({ account: { strictSigns: true } });
  try {
    const logto = standIn(connector, gateway.url);
    const config = await configuration(connector, gateway);
    console.log(`connector-smsaero-native ${version}, ${binary().file}`);
    await refuseMistakes(logto, config);
    await testInConsole(logto, gateway, config);
    await useSignInPage(logto, gateway, config);
    await runOutOfMoney(logto, gateway, config);
  } finally {
    await gateway.stop();
  }
  console.log(
    '\nShown: a refused configuration, the test of the Console, four flows with their messages, a refusal. ' +
      'Nothing was sent to anybody.\nNext: `connector-smsaero-native inbox` is this gateway with a page, for a Logto ' +
      'under development; docs/guide.en.md says how to install the connector.',
  );
  return 0;
};

/** What Logto's core does with a connector: one for each message, and another for each test. */
const standIn = ({ createConnector }, gateways) => {
  const connect = (stored) => createConnector({ getConfig: async () => stored, gateways });
  return {
    check: async (config) => (await connect(config)).configGuard.safeParse(config),
    test: async (config) =>
      (await connect()).sendMessage({ to: NUMBER, type: 'Generic', payload: { code: '000000' } }, config),
    send: async (stored, type, payload) => (await connect(stored)).sendMessage({ to: NUMBER, type, payload }),
  };
};

const configuration = async (connector, { account: { email, apiKey } }) => ({
  email,
  apiKey,
  senderName: 'SMS Aero',
  templates: [...(await defaultTemplates(connector)), RUSSIAN],
});

const refuseMistakes = async (logto, config) => {
  step('The administrator saves a configuration with three mistakes; the Console names them');
  const { senderName, templates } = config;
  const wrong = { email: 'owner at example.com', senderName, templates: templates.slice(0, 1) };
  const { error } = await logto.check(wrong);
  const issues = error?.issues ?? [];
  const fields = issues.map(({ path }) => path.join('.'));
  expect(String(fields) === 'email,apiKey,templates', `The guard named ${fields}.`);
  show(table(issues.map(({ path, message }) => [[path.join('.'), paint.bold], message])));
};

const testInConsole = async (logto, gateway, config) => {
  step('The form is right now, and the administrator presses "Send"');
  expect((await logto.check(config)).success, 'The guard refused the right configuration.');
  const { id, cost } = await logto.test(config);
  showMessage(await arrived(gateway, '000000'));
  say(`SMS Aero took it as message ${id}, for ${cost}.`);
};

const useSignInPage = async (logto, gateway, config) => {
  for (const [type, title, locale = 'en'] of FLOWS) {
    step(title);
    const code = String(randomInt(1e6)).padStart(6, '0');
    await logto.send(config, type, { code, locale });
    const message = await arrived(gateway, code);
    expect(message.parts === 1, `The message for ${type} takes ${message.parts} parts.`);
    showMessage(message);
  }
};

const runOutOfMoney = async (logto, gateway, config) => {
  step('The account runs out of money');
  gateway.account.balance = 0;
  const code = '905317';
  const before = gateway.messages.length;
  const administrator = await rejection(logto.test(config));
  const user = await rejection(logto.send(config, 'SignIn', { code }));
  for (const { data } of [administrator, user]) {
    expect(data?.reason === 'no_money', `The reason is ${data?.reason}.`);
  }
  const printed = inspect([administrator, user], { depth: null });
  const secret = [config.apiKey, NUMBER, code].find((text) => printed.includes(text));
  expect(secret === undefined, 'An error holds a secret.');
  expect(gateway.messages.length === before, 'A message went out without money.');
  const sentence = ({ data }) => data.errorDescription;
  expect(sentence(administrator) !== sentence(user), 'The user learns of the account.');
  show(
    table([
      [['the administrator reads', paint.bold], sentence(administrator)],
      [['the user reads', paint.bold], sentence(user)],
    ]),
  );
};

const arrived = async (gateway, code) => {
  const message = await gateway.nextMessage(NUMBER);
  expect(message.code === code, 'The message is without the code that Logto made.');
  return message;
};

const rejection = async (promise) => {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error('Not as expected: a message was sent without money.');
};

const expect = (isSo, sentence) => {
  if (!isSo) throw new Error(`Not as expected: ${sentence}`);
};

const step = (title) => console.log(`\n${paint.bold(title)}`);
const say = (text) => console.log(`  ${text}`);
const show = (lines) => say(lines.replaceAll('\n', '\n  '));

const showMessage = ({ sign, text, parts, alphabet }) =>
  show(
    table([
      [['from', paint.dim], sign],
      [
        ['text', paint.dim],
        [text, paint.cyan],
      ],
      [['costs', paint.dim], `${counted(parts, 'part')}, ${alphabet}`],
    ]),
  );

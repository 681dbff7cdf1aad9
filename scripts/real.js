// One real message through SMS Aero, from the account in the environment, after saying so.

import { createInterface } from 'node:readline/promises';

import { segment } from '../testing/index.js';
import { phone } from './phone.js';
import { Failure } from './platforms/util.js';

const OFFICIAL = 'https://gate.smsaero.ru,https://gate.smsaero.org,https://gate.smsaero.net';
const PATIENCE_MS = 5000;
const CODE = '000000';

/** Reads the number and the account; throws of what is missing or cannot be right. */
export function readOrder({ to, yes = false }, env) {
  if (!/^\d{7,15}$/.test(to)) {
    throw new Failure(
      `--to takes the number with its country code, 7 to 15 digits and nothing else, such as 79001234567; this is ${JSON.stringify(to)}.`,
    );
  }
  const missing = ['SMSAERO_EMAIL', 'SMSAERO_API_KEY'].filter((name) => !env[name]);
  if (missing.length > 0) {
    throw new Failure(
      `A real message needs an account of SMS Aero: set ${missing.join(' and ')}, then try again. Nothing was sent.`,
    );
  }
  if (!yes && !process.stdin.isTTY) {
    throw new Failure(
      'A real message costs money, and there is no terminal to ask on: add --yes to send without a question. Nothing was sent.',
    );
  }
  const { SMSAERO_EMAIL: email, SMSAERO_API_KEY: apiKey, SMSAERO_SENDER } = env;
  const gateways = (env.SMSAERO_GATEWAYS || OFFICIAL).split(',').map((entry) => entry.trim());
  return { to, yes, email, apiKey, senderName: SMSAERO_SENDER || 'SMS Aero', gateways };
}

/** Says what is going to happen and cost, asks, sends, and shows the receipt. */
export async function sendReally(order, logto) {
  const { to, yes, email, apiKey, senderName } = order;
  const { defaultValue: templates } = logto.metadata.formItems.find(
    ({ key }) => key === 'templates',
  );
  const text = templates
    .find(({ usageType }) => usageType === 'Generic')
    .content.replace('{{code}}', CODE);
  const size = segment(text);

  console.log(`\n» One real message to ${to}, as the Console's "Send" does it`);
  console.log(indent(phone({ sign: senderName, text, ...size })));
  console.log(`   Through ${order.gateways.join(', ')}, the first that can be reached.`);
  console.log(`   Balance of ${email}: ${await balanceOf(order)}.`);
  const parts = size.parts === 1 ? 'one part' : `${size.parts} parts`;
  console.log(`   One real SMS of ${parts} will be sent, and charged to this account by SMS Aero.`);
  if (!yes && !(await confirm())) {
    console.log('\nNothing was sent.');
    return;
  }
  const receipt = await deliver(() => logto.test(to, { email, apiKey, senderName, templates }));
  console.log('   SMS Aero took it. Its receipt:');
  for (const [name, value] of Object.entries(receipt)) {
    console.log(`   ${name.padStart(14)}  ${value ?? '-'}`);
  }
  console.log(
    `\nSent: message ${receipt.id} for ${receipt.cost ?? 'a price not told'}. Next: add the connector to your Logto; README.md says how.`,
  );
}

async function deliver(send) {
  try {
    return await send();
  } catch ({ message, data }) {
    throw new Failure(
      `Not sent (${data?.reason ?? 'error'}): ${data?.errorDescription ?? message}`,
    );
  }
}

async function confirm() {
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  try {
    return /^y(es)?$/i.test((await terminal.question('   Send it? [y/N] ')).trim());
  } finally {
    terminal.close();
  }
}

/** What SMS Aero says is left; a sentence when no gateway answers, which the connector may still reach by a proxy. */
async function balanceOf({ gateways, email, apiKey }) {
  const authorization = `Basic ${Buffer.from(`${email}:${apiKey}`).toString('base64')}`;
  const failures = [];
  for (const gateway of gateways) {
    const url = `${gateway.replace(/\/+$/, '')}/v2/balance`;
    let response;
    try {
      const signal = AbortSignal.timeout(PATIENCE_MS);
      // A redirect would carry the key to somebody else.
      response = await fetch(url, { headers: { authorization }, redirect: 'error', signal });
    } catch ({ name, cause }) {
      failures.push(`${gateway}: ${cause?.code ?? cause?.message ?? name}`);
      continue;
    }
    return readBalance(response);
  }
  return `not known, for no gateway answered (${failures.join('; ')})`;
}

async function readBalance(response) {
  const { status } = response;
  const reply = await response.json().catch(() => ({}));
  if (status === 401) {
    throw new Failure(
      'SMS Aero does not accept SMSAERO_EMAIL with SMSAERO_API_KEY (HTTP 401). Nothing was sent.',
    );
  }
  const balance = reply?.data?.balance;
  if (status !== 200 || balance === undefined) {
    throw new Failure(
      `SMS Aero does not tell the balance: HTTP ${status}, ${reply?.message ?? 'no reason'}. Nothing was sent.`,
    );
  }
  return balance;
}

function indent(text) {
  return text.replaceAll(/^/gm, '   ');
}

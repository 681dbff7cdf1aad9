// Puts the official connector and this one through the same situations, each in a process of its own
// against a local SMS Aero, and writes what comes of it to docs/behaviours.md.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { certificate, faults } from '../../testing/index.js';
import { startProxy } from '../faults/proxy.mjs';
import { answerOf, fixture, temporaryFile } from '../support/child.mjs';
import { CHECKOUT } from '../support/package.mjs';
import { openGateway } from '../support/setup.mjs';

const HOSTS = ['gate.smsaero.ru', 'gate.smsaero.org', 'gate.smsaero.net'];
// Where a redirect leads.
const STRANGER = 'stranger.example';
const WAIT_MS = 12_000;
const AT_ONCE = 8;
const DAY_MS = 86_400_000;
const MIB = 1 << 20;

const account = { email: 'owner@example.com', apiKey: 'the-secret-key-of-the-account' };
const reply = (body, accept = false) => faults.reply({ body, accept });
const answers = (fault) => ({ prepare: ({ first }) => first.respondWith(fault) });
const connects = (mode) => ({ prepare: ({ first }) => first.onConnection(mode) });
const names = [...HOSTS, STRANGER, '127.0.0.1'];
const past = {
  notBefore: new Date(Date.now() - 2 * DAY_MS),
  notAfter: new Date(Date.now() - DAY_MS),
};
const html = '<!doctype html><title>Welcome</title>';

const SITUATIONS = {
  Replies: {
    'The message is accepted': {},
    'HTTP 200 with `success: false`': answers(faults.refused200({ message: 'Not enough money' })),
    'HTTP 200, the message has status 6 (rejected)': answers('rejected'),
    'HTTP 200 with an HTML page': answers(reply(html)),
    'HTTP 200 with nothing in it': answers('empty'),
    'HTTP 200 with JSON without a message in it': answers(reply({ success: true, data: null })),
    'HTTP 200 with a bare numeric `id`': answers(reply({ id: 17, status: 1 }, true)),
    'HTTP 200, compressed though nobody asked': answers('gzip'),
    'HTTP 200 with a body of 8 MiB': answers(faults.hugeBody({ bytes: 8 * MIB })),
    'HTTP 103 before the reply': answers('informational'),
    'HTTP 400, wrong sender name': answers(faults.validation({ sign: ['incorrect'] })),
    'HTTP 400 that echoes the whole request': answers(faults.echo()),
    'HTTP 401, wrong key': answers('unauthorized'),
    'HTTP 402, no money': answers('noMoney'),
    'HTTP 404, server not in the list of addresses': answers('ipNotAllowed'),
    'HTTP 429': answers('rateLimited'),
    'HTTP 503 with an HTML page': answers('unavailable'),
    'HTTP 301 to another host': redirects(301, `https://${STRANGER}/v2/sms/send`),
    'HTTP 307 to another host': redirects(307, `https://${STRANGER}/v2/sms/send`),
    'HTTP 307 to another path of the same host': redirects(307, '/v2/sms/send?again'),
  },
  'Lost replies': {
    'SMS Aero takes the message and says nothing': answers(faults.silence({ accept: true })),
    'The reply comes byte by byte and never ends': answers(faults.drip({ everyMs: 400 })),
    'The connection is reset after the request': answers(faults.reset({ accept: true })),
    'Half a reply': answers('halfReply'),
    'Something that is not HTTP': answers(faults.garbage({ accept: true })),
    'A second reply behind the first, then another message': {
      ...answers(faults.pipelinedJunk({ junk: secondReply() })),
      messages: 2,
    },
    'The kept connection was closed, then another message': {
      ...answers(faults.closeIdle({ afterMs: 0 })),
      messages: 2,
    },
  },
  "Lost replies, with SMS Aero's list of messages": {
    'SMS Aero takes the message and says nothing': listed(faults.silence({ accept: true })),
    'The connection is reset after the request': listed(faults.reset({ accept: true })),
    'Half a reply': listed('halfReply'),
    'HTTP 503 with an HTML page': listed(faults.unavailable({ accept: true })),
    'The connection is reset, and the list says rejected': listed(faults.reset({ accept: true }), 'rejected'),
    'The connection is reset, and the list lacks the message': listed(faults.reset()),
  },
  'No connection to the first gateway': {
    'Its name cannot be resolved': { first: 'unresolved' },
    'It refuses the connection': { first: 'refused' },
    'It resets every connection': connects('reset'),
    'Its TLS handshake never completes': connects('hold'),
    'Its certificate has expired': { certificate: past },
    'Its certificate is for another name': { certificate: { names: ['gate.example'] } },
    'Its certificate is of an unknown authority': { untrusted: true },
    'The same, with `NODE_TLS_REJECT_UNAUTHORIZED=0`': {
      untrusted: true,
      env: { NODE_TLS_REJECT_UNAUTHORIZED: '0' },
    },
    'No gateway can be connected to': { first: 'refused', others: 'refused' },
  },
  Environment: {
    'An extra authority in `NODE_EXTRA_CA_CERTS`': {},
    '`HTTPS_PROXY` is set': { proxy: {} },
    '`HTTPS_PROXY` is set, and the proxy refuses': { proxy: { status: 403 } },
    'A usage type without a template': { type: 'BindMfa' },
    'The same, with `fallbackToGeneric`': { type: 'BindMfa', config: { fallbackToGeneric: true } },
    'A number outside `allowedPrefixes`': { config: { allowedPrefixes: '375' } },
    '`getConfig` never settles': { getConfig: 'never' },
  },
};

// The first gateway answers for the list, and the others do not.
function listed(fault, state = 'queued') {
  const prepare = ({ first, org, net }) => {
    first.respondWith(fault);
    first.respondToList(null);
    first.onMessage((message) => first.advance(message, state));
    for (const other of [org, net]) other.respondToList('unavailable');
  };
  return { prepare };
}

function redirects(status, location) {
  return { prepare: ({ first }) => first.failNext(faults.redirect({ status, location })) };
}

function secondReply() {
  const body = JSON.stringify({ success: true, data: { id: 666, status: 0 }, message: null });
  return `HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
}

const CONNECTORS = { official: '@logto/connector-smsaero', ours: '../../lib/index.js' };

/** What comes of one situation with one connector, in a sentence. */
async function observe(which, situation) {
  const environment = await startGateways(situation);
  try {
    const outcome = await answerOf(fixture('behaviour'), settingsOf(which, situation, environment));
    return sentence({ ...outcome, ...environment.seen() }, situation);
  } finally {
    await environment.stop();
  }
}

async function startGateways({ certificate: own = {}, untrusted, prepare, first, others, proxy }) {
  const good = certificate({ names });
  const odd = certificate({ names, ...own });
  const trusted = untrusted ? good.ca : good.ca + odd.ca;
  const [ru, org, net, stranger] = await Promise.all(
    [odd, good, good, good].map((tls) => openGateway({ tls, account: { balance: 1e6 } })),
  );
  const gateways = { first: ru, org, net, stranger };
  prepare?.(gateways);
  const gone = await openGateway();
  await gone.stop();
  const portOf = (gateway, fate) => ({ unresolved: null, refused: gone.port })[fate] ?? gateway.port;
  const ports = [portOf(ru, first), portOf(org, others), portOf(net, others)];
  if (first === 'unresolved') ports[0] = null;
  const between = proxy && (await startProxy({ target: ru.port, ...proxy }));
  return {
    ports,
    proxy: between,
    stranger: stranger.port,
    caFile: temporaryFile('ca.pem', trusted),
    seen: () => {
      const all = Object.values(gateways);
      const accepted = all.flatMap(({ messages }) => messages).length;
      const followed = ru.requests.some(({ query }) => query === 'again') && ru;
      const strange = stranger.requests.length > 0 && stranger;
      return { accepted, proxied: between?.seen.length, ...redirected(strange || followed) };
    },
    stop: async () => {
      await between?.stop();
      await Promise.all(Object.values(gateways).map((gateway) => gateway.stop()));
    },
  };
}

// What the place that a redirect names got to see.
function redirected(gateway) {
  if (!gateway) return {};
  const { headers, body } = gateway.requests.at(-1);
  const whole = body.includes('"number"');
  const followed = { key: headers.authorization !== undefined, number: whole, code: whole };
  return { followedWith: Object.keys(followed).filter((name) => followed[name]) };
}

function settingsOf(which, situation, { ports, stranger, caFile, proxy }) {
  const { type = 'SignIn', config, getConfig, messages = 1, env } = situation;
  const bases = ports.map((port) => (port === null ? 'https://gate.smsaero.invalid' : `https://127.0.0.1:${port}`));
  const [ru, org, net] = ports;
  const own = which === 'ours' ? { gateways: proxy ? `https://${HOSTS[0]}` : bases } : {};
  const led = { [HOSTS[0]]: ru, [HOSTS[1]]: org, [HOSTS[2]]: net, [STRANGER]: stranger };
  const templates = ['Register', 'SignIn', 'ForgotPassword', 'Generic'];
  const settings = {
    connector: CONNECTORS[which],
    ports: led,
    config: {
      ...account,
      senderName: 'SMSAero',
      templates: templates.map((usageType) => ({ usageType, content: 'Your code is {{code}}' })),
      ...config,
    },
    ...{ type, getConfig, messages, options: own, waitMs: WAIT_MS },
    secrets: { number: '79001234567', code: '482913' },
  };
  const variables = { NODE_EXTRA_CA_CERTS: caFile, RES_OPTIONS: 'timeout:1 attempts:1', ...env };
  if (proxy) variables.HTTPS_PROXY = proxy.url;
  // Node warns of what switches its verification off.
  if (env) variables.NODE_NO_WARNINGS = '1';
  return { input: settings, env: variables, timeoutMs: 60_000 };
}

function sentence({ state, ms, error, shows, accepted, followedWith, proxied }, { messages = 1, proxy }) {
  const words = [];
  if (state === 'sent') {
    words.push(accepted >= messages ? 'sent' : '**counts as sent**, though it was not');
  } else if (state === 'waiting') {
    words.push(`**still waiting** after ${WAIT_MS / 1000} s`);
  } else if (error.raw) {
    words.push(`raw \`${error.raw}\`, HTTP 500 from Logto`);
  } else {
    words.push(
      [error.code, error.reason]
        .filter(Boolean)
        .map((code) => `\`${code}\``)
        .join(', '),
    );
  }
  if (state === 'failed' && ms > 4000) words.push(`after ${Math.round(ms / 1000)} s`);
  if (shows?.length > 0) words.push(`**prints ${list(shows)}**`);
  if (accepted > messages) words.push(`**${accepted} SMS**`);
  if (followedWith) words.push(`**followed, with ${list(followedWith) || 'nothing secret'}**`);
  if (proxy) words.push(proxied > 0 ? 'by the proxy' : '**past the proxy**');
  return words.join(', ');
}

function list(items) {
  return items.length < 2 ? items.join() : `${items.slice(0, -1).join(', ')} and ${items.at(-1)}`;
}

async function observeAll() {
  const left = Object.values(SITUATIONS).flatMap((group) =>
    Object.values(group).flatMap((situation) => Object.keys(CONNECTORS).map((which) => ({ situation, which }))),
  );
  const seen = new Map();
  const lane = async () => {
    while (left.length > 0) {
      const { situation, which } = left.shift();
      const outcome = await observe(which, situation);
      seen.set(situation, { ...seen.get(situation), [which]: outcome });
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
  return seen;
}

function page(seen) {
  const tables = Object.entries(SITUATIONS).map(([title, group]) => {
    const rows = Object.entries(group).map(([name, situation]) => {
      const { official, ours } = seen.get(situation);
      return `| ${name} | ${official} | ${ours} |`;
    });
    return [`## ${title}`, '', '| situation | official | ours |', '| --- | --- | --- |', ...rows].join('\n');
  });
  return `# How both connectors behave

Made by \`npm run behaviours\`, which runs each situation with \`@logto/connector-smsaero\` and with this connector, each
time in a process of its own against a local SMS Aero with TLS. Both are called as Logto calls them for somebody who
signs in. The official connector knows one gateway; this one has the second and the third in working order unless the
situation says otherwise, and no list of messages to ask unless there is one. An error is given by its code, in our case with
its \`reason\`. *Prints* means that the error, as \`util.inspect\` shows it to a log, holds the API key, the phone number or
the one-time code.

${tables.join('\n\n')}
`;
}

const file = join(CHECKOUT, 'docs', 'behaviours.md');
writeFileSync(file, page(await observeAll()));
console.log('docs/behaviours.md is up to date.');

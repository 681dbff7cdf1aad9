// What happens in each send of the harness, as a function of a seed and the number of the send, so that the child that
// sends, the gateways that fail and the test that judges agree without a word.

import { faults } from '../support/testing.mjs';

/** Numbers between 0 and 1 that a seed determines. */
export function randomness(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Gateways that cannot be connected to, so that no byte of a request reaches them. */
export const DEAD = [
  'dns',
  'refused',
  'blackhole',
  'tlsHang',
  'tlsReset',
  'expired',
  'wrongName',
  'unknownAuthority',
  'plainRefused',
];

/** Gateways that can be connected to and then lose what they are sent. */
export const LOSSY = ['plainHold', 'plainReset', 'resetDuring'];

/** Gateways that cut connections at any byte in either direction. */
export const CHAOTIC = ['chaos', 'plainChaos'];

/** Gateways that work, and do to each request what its plan says. */
export const ALIVE = ['secure', 'secureToo', 'plain'];

const RESOLVES = { resolves: true };
const LOST = { code: 'general', reason: 'unknown_outcome' };
const UNREADABLE = { code: 'invalid_response', reason: 'bad_response', status: 200 };
const refused = (reason, status, code = 'general') => ({ code, reason, status });
const LIMITED = refused('rate_limited', 429, 'rate_limit_exceeded');

const SECOND_REPLY = (() => {
  const data = { id: 666, status: 0 };
  const body = JSON.stringify({ success: true, data, message: null });
  return `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
})();

/** What a gateway that works may do to a request, and what the sender has to make of it when it comes in time. */
export const DEEDS = {
  nothing: [null, RESOLVES],
  validation: [faults.validation({ sign: ['required'] }), refused('validation', 400)],
  unauthorized: [faults.unauthorized(), refused('unauthorized', 401)],
  noMoney: [faults.noMoney(), refused('no_money', 402)],
  ipNotAllowed: [faults.ipNotAllowed(), refused('ip_not_allowed', 404)],
  rateLimited: [faults.rateLimited(), LIMITED],
  rateLimitedSeconds: [faults.rateLimited({ retryAfter: 1 }), LIMITED],
  rateLimitedDate: [faults.rateLimited({ retryAfter: 'Fri, 31 Dec 1999 23:59:59 GMT' }), LIMITED],
  unavailable: [faults.unavailable(), refused('unavailable', 503)],
  acceptedUnavailable: [faults.unavailable({ accept: true }), refused('unavailable', 503)],
  refused200: [faults.refused200(), refused('rejected', 200)],
  rejected: [faults.rejected(), refused('rejected', 200)],
  html: [faults.notJson(), UNREADABLE],
  empty: [faults.empty({ accept: true }), UNREADABLE],
  redirect301: [faults.redirect({ status: 301 }), refused('bad_response', 301)],
  redirect307: [faults.redirect(), refused('bad_response', 307)],
  redirect308: [faults.redirect({ status: 308 }), refused('bad_response', 308)],
  echo: [faults.echo(), refused('validation', 400)],
  echoText: [faults.echo({ format: 'text' }), refused('validation', 400)],
  longBody: [faults.hugeBody({ bytes: 50_000 }), RESOLVES],
  hugeBody: [faults.hugeBody({ bytes: 300_000 }), UNREADABLE],
  hugeRefusal: [faults.hugeBody({ bytes: 300_000, status: 500 }), refused('unavailable', 500)],
  gzip: [faults.gzip(), UNREADABLE],
  pageOfEntities: [faults.reply({ status: 502, body: '&#1050;'.repeat(9_000) }), refused('unavailable', 502)],
  timeoutOfItsOwn: [faults.reply({ status: 408, body: '' }), refused('unavailable', 408)],
  informational: [faults.informational(), RESOLVES],
  silence: [faults.silence(), LOST],
  acceptedSilence: [faults.silence({ accept: true }), LOST],
  resetAfter: [faults.reset(), LOST],
  acceptedReset: [faults.reset({ accept: true }), LOST],
  halfReply: [faults.halfReply(), LOST],
  slow: [faults.slow({ delayMs: 40 }), RESOLVES],
  tooSlow: [faults.slow({ delayMs: 3000 }), LOST],
  drip: [faults.drip({ everyMs: 2, bytes: 40 }), RESOLVES],
  dripForEver: [faults.drip({ everyMs: 20, bytes: 2 }), LOST],
  tooLittle: [faults.wrongLength({ by: 9 }), RESOLVES],
  tooMuch: [faults.wrongLength({ by: -9 }), UNREADABLE],
  garbage: [faults.garbage(), LOST],
  acceptedGarbage: [faults.garbage({ accept: true }), LOST],
  junk: [faults.pipelinedJunk(), RESOLVES],
  secondReply: [faults.pipelinedJunk({ junk: SECOND_REPLY }), RESOLVES],
  closeAtOnce: [faults.closeIdle({ afterMs: 0 }), RESOLVES],
  closeIdle: [faults.closeIdle({ afterMs: 10 }), RESOLVES],
};

const DEED_NAMES = Object.keys(DEEDS);
// Often enough for connections to be kept and used again, and for failovers to end well.
const PLAIN_SAILING = 0.25;

/** The plan of one send. */
export function planOf(seed, index) {
  const random = randomness(Math.imul(seed, 0x9e3779b1) ^ Math.imul(index + 1, 0x85ebca6b));
  const pick = (list) => list[Math.floor(random() * list.length)];
  const another = () => {
    const dice = random();
    if (dice < 0.7) return pick(DEAD);
    if (dice < 0.78) return pick(LOSSY);
    return dice < 0.86 ? pick(CHAOTIC) : pick(ALIVE);
  };
  const kinds = Array.from({ length: Math.floor(random() * 3) }, another);
  const last = random();
  kinds.push(last < 0.72 ? pick(ALIVE) : last < 0.82 ? pick(CHAOTIC) : another());
  const deed = random() < PLAIN_SAILING ? 'nothing' : pick(DEED_NAMES);
  return {
    index,
    kinds,
    deed,
    timeoutMs: 600 + Math.floor(random() * 6) * 200,
    connectTimeoutMs: 200 + Math.floor(random() * 5) * 50,
    entry: random() < 0.5 ? 'sendMessage' : 'connector',
    testMode: random() < 0.1,
  };
}

/** What must be seen nowhere: one pattern for the secrets of all sends. */
export const SECRET = /hidden\.example|keysecret|textsecret|7999\d{7}|Zq\d{7}|c2VjcmV0Lm1haW/i;

/** The message and the account of a send; every part that is secret is its own. */
export function secretsOf(index) {
  const own = String(index).padStart(7, '0');
  return {
    number: `7999${own}`,
    code: `Zq${own}`,
    email: `secret.mail.${own}@hidden.example`,
    apiKey: `KEYSECRET+${own}/`,
  };
}

const AUTHORIZED = /^secret\.mail\.(\d{7})@/;

/** The send that an `Authorization` header belongs to; it arrives before a body does. */
export function indexOfHeader(header) {
  const credentials = Buffer.from(/^Basic (\S+)$/.exec(header ?? '')?.[1] ?? '', 'base64');
  const own = AUTHORIZED.exec(credentials.toString())?.[1];
  return own === undefined ? undefined : Number(own);
}

/** The send that a number belongs to. */
export function indexOfNumber(number) {
  return Number(number.slice(4));
}

/** The base URL of a gateway for one send; dead ones have their own, so that their death is news each time. */
export function urlOf(kind, index, bases) {
  if (kind === 'dns') return `https://n${index}.invalid`;
  return DEAD.includes(kind) ? `${bases[kind]}/n${index}` : bases[kind];
}

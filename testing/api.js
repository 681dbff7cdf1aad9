// SMS Aero's API v2 as a function: a request and an account in, a status and an envelope out.

import { segment } from './segments.js';

/** The account a gateway starts with; `startGateway({ account })` changes single fields of it. */
export const account = Object.freeze({
  email: 'admin@example.com',
  apiKey: 'key-of-the-embedded-gateway',
  balance: 1000,
  cost: 5.49,
  signs: Object.freeze(['SMS Aero', 'SMSAero']),
  strictSigns: false,
  allowAnyCredentials: false,
  ipAllowed: true,
});

const TEXT_CHARACTERS = { min: 2, max: 640 };

/** What a message can be advanced to: the provider's number for it, and its word. */
export const STATES = Object.freeze({
  queued: [0, 'queue'],
  delivered: [1, 'delivery'],
  undelivered: [2, 'fail'],
  at_operator: [3, 'send'],
  waiting: [4, 'wait'],
  rejected: [6, 'reject'],
  moderation: [8, 'moderation'],
});

const PAGE_ROWS = 50;

const METHODS = {
  '/v2/auth': () => ok(null, 'Successful authorization.'),
  '/v2/balance': (fields, { balance }) => ok({ balance }),
  '/v2/sign/list': (fields, { signs }) => ok(signList(signs)),
  '/v2/sms/send': (fields, owner, environment, headers) => send(fields, owner, environment, headers, false),
  '/v2/sms/testsend': (fields, owner, environment, headers) => send(fields, owner, environment, headers, true),
  '/v2/sms/list': (fields, owner, environment) => list(fields, environment, false),
  '/v2/sms/testlist': (fields, owner, environment) => list(fields, environment, true),
  '/v2/sms/status': (fields, owner, environment) => status(fields, environment, false),
  '/v2/sms/teststatus': (fields, owner, environment) => status(fields, environment, true),
};

/** Whether a request asks for the list of messages, real or test. */
export function isList(path) {
  return path === '/v2/sms/list' || path === '/v2/sms/testlist';
}

/** Whether a request asks for a message, real or test: the requests that faults are for. */
export function isSend(path) {
  return path === '/v2/sms/send' || path === '/v2/sms/testsend';
}

/**
 * Judges one request. Changes nothing: `messages` and `charge` say what the caller has to record.
 * `environment` is what the answer depends on besides: `nextId`, `now` (ms), `lookup(id, test)`, `listed(test)`.
 */
export function judge(request, owner, environment) {
  const known = Object.hasOwn(METHODS, request.path);
  if (!known || (request.method !== 'GET' && request.method !== 'POST')) {
    return refuse(404, 'Method not found');
  }
  if (!authorized(request.headers.authorization, owner)) return unauthorized();
  if (!owner.ipAllowed) return ipNotAllowed();
  return METHODS[request.path](parameters(request), owner, environment, request.headers);
}

/** The fields of a request, wherever they are: query, form or JSON; a body wins over the query. */
export function parameters({ query, headers, body }) {
  const fields = Object.create(null);
  if (query) readForm(query, fields);
  if (!body) return fields;
  const type = headers['content-type'] ?? '';
  if (!type.includes('json') && (type !== '' || !/^\s*\{/.test(body))) {
    readForm(body, fields);
    return fields;
  }
  try {
    const value = JSON.parse(body);
    if (typeof value === 'object' && !Array.isArray(value)) Object.assign(fields, value);
  } catch {
    // The provider sees a request without fields, and says which ones it misses.
  }
  return fields;
}

/** The refusals that faults share with honest answers. */
export function validation(fields) {
  return refuse(400, 'Validation error.', fields);
}

export function unauthorized() {
  return refuse(401, 'Your request was made with invalid credentials.');
}

export function noMoney() {
  return refuse(402, 'Not enough money');
}

export function ipNotAllowed() {
  return refuse(404, 'Invalid ip-address');
}

/** The code a person would type: the domain-bound one of the last line, else the first 4–8 digits. */
export function findCode(text) {
  const lastLine = text.slice(text.lastIndexOf('\n') + 1);
  const bound = /^@\S+ #([0-9A-Za-z-]+)/.exec(lastLine);
  return bound?.[1] ?? /(?<!\d)\d{4,8}(?!\d)/.exec(text)?.[0] ?? null;
}

function send(fields, owner, environment, headers, test) {
  const problems = {};
  const numbers = readNumbers(fields, problems);
  const sign = readText('sign', fields, problems);
  const text = readText('text', fields, problems);

  if (text !== null && !hasLegalLength(text)) problems.text = ['incorrect'];
  if (sign !== null && owner.strictSigns && !isApproved(sign, owner.signs)) {
    problems.sign = ['incorrect'];
  }
  if (Object.keys(problems).length > 0) return validation(problems);

  const { alphabet, parts } = segment(text);
  const cost = money(parts * owner.cost);
  const charge = test ? 0 : money(cost * numbers.length);
  if (charge > owner.balance) return noMoney();

  const { authorization, ...safeHeaders } = headers;
  const code = findCode(text);
  const messages = numbers.map((number, index) => ({
    id: environment.nextId + index,
    number,
    sign,
    text,
    code,
    parts,
    alphabet,
    cost,
    test,
    at: environment.now,
    headers: safeHeaders,
  }));
  const data = messages.map((message) => describe(message, Number(scalar(fields.dateSend))));
  return { ...ok(fields.numbers === undefined ? data[0] : data), messages, charge };
}

function status(fields, environment, test) {
  if (isMissing(fields.id)) return validation({ id: ['required'] });
  const found = environment.lookup(Number(scalar(fields.id)), test);
  if (!found) return validation({ id: ['incorrect'] });

  // Whoever asks twice finds it delivered, unless a test has set its state.
  const { message, timesAsked, state = timesAsked > 0 ? 'delivered' : 'queued' } = found;
  return ok(asRow(message, state));
}

// The newest first, a page at a time; the filters match in part.
function list(fields, environment, test) {
  const [number, text] = [fields.number, fields.text].map(scalar);
  const all = environment
    .listed(test)
    .filter(({ message }) => message.number.includes(number) && message.text.includes(text))
    .reverse();
  const last = Math.max(1, Math.ceil(all.length / PAGE_ROWS));
  const page = Math.max(1, Number.parseInt(scalar(fields.page), 10) || 1);
  const rows = all.slice((page - 1) * PAGE_ROWS, page * PAGE_ROWS);
  const link = (place) => `/v2/sms/${test ? 'testlist' : 'list'}?page=${place}`;
  const links = {
    self: link(page),
    first: link(1),
    ...(page > 1 && { prev: link(page - 1) }),
    ...(page < last && { next: link(page + 1) }),
    last: link(last),
  };
  return ok({
    ...rows.map(({ message, state }) => asRow(message, state ?? 'queued')),
    links,
    totalCount: String(all.length),
  });
}

// The provider answers with a number when it sends and with a string when it is asked; with the phone number it is the
// other way about.
function asRow(message, state) {
  const row = describe(message);
  const [status, extendStatus] = STATES[state];
  const dateAnswer = ['delivered', 'undelivered'].includes(state) ? { dateAnswer: row.dateSend } : {};
  return { ...row, number: Number(row.number), cost: String(row.cost), status, extendStatus, ...dateAnswer };
}

function describe({ id, sign, number, text, cost, at }, dateSend) {
  const dateCreate = Math.floor(at / 1000);
  return {
    id,
    from: sign,
    number,
    text,
    status: 0,
    extendStatus: 'queue',
    channel: /^sms ?aero$/i.test(sign) ? 'FREE SIGN' : 'DIRECT',
    cost,
    dateCreate,
    dateSend: dateSend > dateCreate ? dateSend : dateCreate,
  };
}

function signList(signs) {
  const list = {};
  signs.forEach((sign, index) => {
    const { name, status: state } = describeSign(sign);
    list[index] = {
      id: index + 1,
      name,
      status: state,
      extendStatus: state === 1 ? 'active' : 'pending',
    };
  });
  list.totalCount = String(signs.length);
  return list;
}

function describeSign(sign) {
  return typeof sign === 'string' ? { name: sign, status: 1 } : { status: 1, ...sign };
}

function isApproved(name, signs) {
  return signs.map(describeSign).some((sign) => sign.name === name && sign.status === 1);
}

function authorized(header, { email, apiKey, allowAnyCredentials }) {
  const encoded = /^basic +(\S+)$/i.exec(header ?? '')?.[1];
  if (encoded === undefined) return false;
  const credentials = Buffer.from(encoded, 'base64').toString();
  return allowAnyCredentials ? credentials.includes(':') : credentials === `${email}:${apiKey}`;
}

function readNumbers(fields, problems) {
  const field = fields.numbers === undefined ? 'number' : 'numbers';
  if (isMissing(fields[field])) {
    problems[field] = ['required'];
    return [];
  }
  const list = field === 'numbers' && Array.isArray(fields.numbers);
  const numbers = (list ? fields.numbers : [fields[field]]).map(scalar);
  const legal = numbers.length > 0 && numbers.every((number) => /^\d{7,15}$/.test(number));
  if (!legal) problems[field] = ['incorrect'];
  return numbers;
}

function readText(field, fields, problems) {
  const value = fields[field];
  if (isMissing(value)) {
    problems[field] = ['required'];
    return null;
  }
  if (typeof value === 'object') {
    problems[field] = ['incorrect'];
    return null;
  }
  return String(value);
}

function hasLegalLength(text) {
  // Characters, not UTF-16 units: an emoji is one.
  const length = text.length > 2 * TEXT_CHARACTERS.max ? text.length : [...text].length;
  return length >= TEXT_CHARACTERS.min && length <= TEXT_CHARACTERS.max;
}

function readForm(text, fields) {
  for (const [name, value] of new URLSearchParams(text)) {
    const list = /^(.+)\[\d*\]$/.exec(name)?.[1];
    if (list === undefined) fields[name] = value;
    else if (Array.isArray(fields[list])) fields[list].push(value);
    else fields[list] = [value];
  }
}

/** A field as text; empty for what JSON can nest but a form could not say. */
export function scalar(value) {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
}

function isMissing(value) {
  return value === undefined || value === null || value === '';
}

// Prices have two decimals; binary fractions would let a balance drift.
function money(amount) {
  return Math.round(amount * 100) / 100;
}

function ok(data, message = null) {
  return answer(200, { success: true, data, message });
}

function refuse(code, message, data = null) {
  return answer(code, { success: false, data, message });
}

function answer(code, envelope) {
  return { status: code, envelope, messages: [], charge: 0 };
}

// The failures a test can ask for, as plain data: names, options, defaults. What each does to the
// socket is in responses.js.

const KINDS = {
  reply: {
    status: status(200),
    body: body(''),
    headers: headers(),
    accept: flag(false),
  },

  validation: { fields: fields({ number: ['incorrect'] }) },
  unauthorized: {},
  noMoney: {},
  ipNotAllowed: {},
  rateLimited: { retryAfter: oneOfTypes('string', 'number') },
  unavailable: { accept: flag(false) },
  refused200: { message: text('The message was refused.') },
  rejected: {},

  notJson: { status: status(200), accept: flag(false) },
  empty: { status: status(200), accept: flag(false) },
  redirect: { status: status(307), location: text('/v2/sms/send') },
  echo: { format: oneOf('text', 'json') },
  hugeBody: { bytes: integer(1 << 20, 200), status: status(200), accept: flag(true) },
  gzip: {},
  informational: { codes: informational([100, 103]) },

  silence: { accept: flag(false) },
  reset: { when: oneOf('after', 'during', 'before'), accept: flag(false) },
  halfReply: { accept: flag(true) },
  slow: { delayMs: integer(1000, 0) },
  drip: { everyMs: integer(10, 1), bytes: integer(1, 1) },
  wrongLength: { by: nonZero(16), accept: flag(true) },
  garbage: { text: text('\u0016\u0003\u0001 this is not HTTP\r\n\r\n'), accept: flag(false) },
  pipelinedJunk: { junk: text('\u0000junk') },
  closeIdle: { afterMs: integer(20, 0) },
};

// Those whose reply is the honest one, so that the message counts as in a normal answer.
const HONEST = new Set(['slow', 'drip', 'gzip', 'informational', 'pipelinedJunk', 'closeIdle']);

/** A constructor for each kind. `validation` takes the fields themselves, the others an object. */
export const faults = Object.freeze({
  ...Object.fromEntries(Object.keys(KINDS).map((kind) => [kind, (options) => build(kind, options)])),
  validation: (problems) => build('validation', { fields: problems }),
});

/** Reads a fault that may have come over JSON: data, the bare name of a kind, or null for none. */
export function readFault(value) {
  if (value === null) return null;
  if (typeof value === 'function') {
    throw new TypeError('A fault is data: call the constructor, as in faults.noMoney()');
  }
  if (typeof value === 'string') return build(value);
  if (typeof value !== 'object') throw new TypeError('A fault is an object with a kind');
  const { kind, ...options } = value;
  return build(kind, options);
}

/** Whether the provider keeps the message although this happens to the reply. */
export function accepts(fault) {
  return HONEST.has(fault.kind) || fault.accept === true;
}

function build(kind, options = {}) {
  if (!Object.hasOwn(KINDS, kind)) {
    throw new TypeError(`Unknown fault ${JSON.stringify(kind)}; known: ${Object.keys(KINDS).join(', ')}`);
  }
  const known = KINDS[kind];
  for (const name of Object.keys(options)) {
    if (!Object.hasOwn(known, name)) throw new TypeError(`faults.${kind} has no option ${name}`);
  }
  const fault = { kind };
  for (const [name, read] of Object.entries(known)) {
    const value = read(options[name], `faults.${kind}: ${name}`);
    if (value !== undefined) fault[name] = value;
  }
  if (kind === 'reset' && fault.accept && fault.when !== 'after') {
    throw new TypeError('faults.reset: accept needs when: "after"; no message was read before that');
  }
  return fault;
}

function reader(fallback, holds, expected) {
  return (value, name) => {
    if (value === undefined) return fallback;
    if (!holds(value)) throw new TypeError(`${name} must be ${expected}`);
    return value;
  };
}

function flag(fallback) {
  return reader(fallback, (value) => typeof value === 'boolean', 'true or false');
}

function text(fallback) {
  return reader(fallback, (value) => typeof value === 'string', 'a string');
}

function integer(fallback, least) {
  const holds = (value) => Number.isSafeInteger(value) && value >= least;
  return reader(fallback, holds, `an integer of at least ${least}`);
}

function nonZero(fallback) {
  const holds = (value) => Number.isSafeInteger(value) && value !== 0;
  return reader(fallback, holds, 'an integer other than zero');
}

// Below 200 is no final status: the client would go on waiting.
function status(fallback) {
  const holds = (value) => Number.isInteger(value) && value >= 200 && value <= 599;
  return reader(fallback, holds, 'an HTTP status from 200 to 599');
}

function oneOf(...values) {
  return reader(values[0], (value) => values.includes(value), values.join(', '));
}

function oneOfTypes(...types) {
  return reader(undefined, (value) => types.includes(typeof value), `a ${types.join(' or a ')}`);
}

function body(fallback) {
  const holds = (value) => typeof value === 'string' || (typeof value === 'object' && value !== null);
  return reader(fallback, holds, 'a string, or an object to be sent as JSON');
}

function headers() {
  return reader(undefined, (value) => typeof value === 'object' && value !== null, 'an object');
}

function fields(fallback) {
  return reader(fallback, (value) => typeof value === 'object' && value !== null, 'an object');
}

// 101 would hand the connection over to another protocol.
function informational(fallback) {
  const holds = (codes) =>
    Array.isArray(codes) && codes.every((code) => Number.isInteger(code) && code >= 100 && code < 200 && code !== 101);
  return reader(fallback, holds, 'a list of statuses from 100 to 199, without 101');
}

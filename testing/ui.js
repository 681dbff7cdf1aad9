// The inbox: the embedded gateway with a page and a JSON API for what arrives.

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

import { readFault } from './faults.js';
import { account, startGateway } from './index.js';
import { isForeignPage, isLocalName } from './loopback.js';
import { usageFinder } from './match-template.js';
import { forcedBy, segment } from './segments.js';

const KEEP = 1000;
const MET_KEPT = 200;
// More of what is to come fits on no page.
const PENDING_LISTED = 20;
const HEARTBEAT_MS = 15_000;
const LONGEST_POLL_MS = 600_000;
const BODY_LIMIT_BYTES = 64 * 1024;
// What may wait for one tab to read it.
const BACKLOG_BYTES = 1 << 20;

/**
 * Starts an inbox: a gateway with the page. `templates` are those of a configuration, to know what a
 * message is for; `signs` are sender names that count as approved besides the shared ones.
 */
export async function startInbox({ host, port, templates = [], signs = [] } = {}) {
  const inbox = new Inbox(usageFinder(templates));
  const gateway = await startGateway({
    host,
    port,
    keep: KEEP,
    account: { allowAnyCredentials: true, balance: 1e9, signs: [...account.signs, ...signs] },
    fallback: (request, response) => inbox.handle(request, response),
  });
  inbox.watch(gateway);
  return gateway;
}

class Inbox {
  #usageOf;
  #gateway;
  #queue = [];
  #met = [];
  #restore = null;
  #watchers = new Set();
  #behind = new WeakSet();
  #page;

  constructor(usageOf) {
    this.#usageOf = usageOf;
    this.#page = readPage();
  }

  watch(gateway) {
    this.#gateway = gateway;
    gateway.onMessage((message) => this.#broadcast('message', this.#publicView(message)));
    // A queue of its own, since only a script learns which message met the fault.
    gateway.respondWith(({ number, sign, text }) => {
      const fault = this.#queue.shift();
      if (fault === undefined) return null;
      this.#met.push({ at: Date.now(), number, sign, text, usage: this.#usageOf(text), fault });
      if (this.#met.length > MET_KEPT) this.#met.shift();
      this.#broadcastFaults(this.#met.slice(-1));
      return fault;
    });
  }

  async handle(request, response) {
    try {
      await this.#route(request, response);
    } catch (error) {
      if (!response.headersSent) reply(response, error.status ?? 500, { error: error.message });
      else response.destroy();
    }
  }

  #route(request, response) {
    const { pathname, searchParams } = readUrl(request);
    admit(request, pathname);
    const routes = {
      '/': { GET: () => this.#page(response), HEAD: () => this.#page(response) },
      '/api/messages': {
        GET: () => reply(response, 200, this.#messages(searchParams)),
        DELETE: () => this.#clear(response),
      },
      '/api/messages/restore': { POST: () => this.#undoClear(response) },
      '/api/messages/next': { GET: () => this.#next(searchParams, response) },
      '/api/fail-next': {
        GET: () => reply(response, 200, this.#faults()),
        POST: () => this.#failNext(request, response),
        DELETE: () => this.#forgive(response),
      },
      '/api/events': { GET: () => this.#stream(response) },
    };
    const methods = Object.hasOwn(routes, pathname) ? routes[pathname] : null;
    if (methods === null) throw problem(404, `There is nothing at ${pathname}.`);
    if (!Object.hasOwn(methods, request.method)) {
      response.setHeader('allow', Object.keys(methods).join(', '));
      throw problem(405, `${pathname} takes ${Object.keys(methods).join(', ')}.`);
    }
    return methods[request.method]();
  }

  #messages(query) {
    const wanted = digits(query.get('to'));
    const { messages } = this.#gateway;
    const chosen = wanted ? messages.filter(({ number }) => number === wanted) : messages;
    return chosen.map((message) => this.#publicView(message));
  }

  #publicView({ headers, ...message }) {
    const { text } = message;
    const { units } = segment(text);
    const { script, characters } = forcedBy(text) ?? {};
    const cause = script ?? characters?.join(' ') ?? null;
    return { ...message, units, forcedBy: cause, usage: this.#usageOf(text) };
  }

  async #next(query, response) {
    const wanted = digits(query.get('to'));
    const timeoutMs = readNumber(query, 'timeout', 5000, LONGEST_POLL_MS);
    const after = query.has('after') ? { id: readNumber(query, 'after') } : undefined;
    const until = Date.now() + timeoutMs;
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    try {
      let message;
      // Messages without a code have no reader here.
      do {
        const left = Math.max(0, until - Date.now());
        const options = { timeoutMs: left, after, signal: gone.signal };
        message = await this.#gateway.nextMessage(wanted || null, options);
      } while (message.code === null);
      reply(response, 200, this.#publicView(message));
    } catch (error) {
      if (gone.signal.aborted) return;
      if (error.code !== 'TIMEOUT') throw error;
      const whom = wanted ? ` to ${wanted}` : '';
      throw problem(504, `No code${whom} came within ${timeoutMs} ms.`);
    }
  }

  #clear(response) {
    const [putBack, met] = [this.#gateway.clear(), this.#met.splice(0)];
    this.#restore = () => {
      putBack();
      this.#met = [...met, ...this.#met].slice(-MET_KEPT);
    };
    this.#broadcast('cleared', {});
    reply(response, 200, { messages: 0 });
  }

  #undoClear(response) {
    if (this.#restore === null) throw problem(409, 'Nothing was cleared that could be put back.');
    this.#restore();
    this.#restore = null;
    this.#broadcast('restored', {});
    reply(response, 200, { messages: this.#gateway.messages.length });
  }

  async #failNext(request, response) {
    const body = await readBody(request);
    const list = (Array.isArray(body) ? body : [body]).map((fault) => readQueued(fault));
    this.#queue.push(...list);
    this.#broadcastFaults();
    reply(response, 200, this.#faults());
  }

  #forgive(response) {
    this.#queue.length = 0;
    this.#broadcastFaults();
    reply(response, 200, this.#faults());
  }

  // Only what is new: a tab has the rest.
  #broadcastFaults(met = []) {
    this.#broadcast('faults', { pending: this.#queue.slice(0, PENDING_LISTED), met });
  }

  #faults() {
    return { pending: this.#queue, met: this.#met };
  }

  #stream(response) {
    response.writeHead(200, { ...HEADERS, 'content-type': 'text/event-stream; charset=utf-8' });
    response.write('retry: 1000\nevent: hello\ndata: {}\n\n');
    // A silent connection would be taken for a dead one by whatever stands in between.
    const heartbeat = setInterval(() => {
      if (!response.writableNeedDrain) response.write(':\n\n');
    }, HEARTBEAT_MS).unref();
    this.#watchers.add(response);
    response.once('close', () => {
      clearInterval(heartbeat);
      this.#watchers.delete(response);
    });
  }

  #broadcast(event, data) {
    const frame = `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
    for (const response of this.#watchers) {
      if (response.writableLength < BACKLOG_BYTES) response.write(frame);
      else this.#catchUp(response);
    }
  }

  // A tab that reads too slowly asks for everything once it reads again, rather than have it kept for it here.
  #catchUp(response) {
    if (this.#behind.has(response)) return;
    this.#behind.add(response);
    response.once('drain', () => {
      this.#behind.delete(response);
      response.write('event: missed\ndata: {}\n\n');
    });
  }
}

const HEADERS = {
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
};

// No other origin may read or change anything here: what is printed are codes to sign in with.
function admit({ headers }, pathname) {
  const { origin, host } = headers;
  // A link from elsewhere may open the page itself.
  const isVisit = pathname === '/' && headers['sec-fetch-mode'] === 'navigate' && origin === undefined;
  if (!isLocalName(host) || (isForeignPage(headers) && !isVisit)) {
    throw problem(403, 'The inbox answers this machine and its own page only.');
  }
}

function readPage() {
  const html = readFileSync(new URL('inbox.html', import.meta.url), 'utf8');
  const hashOf = (tag) => {
    const start = html.indexOf(`<${tag}>`) + tag.length + 2;
    const inside = html.slice(start, html.indexOf(`</${tag}>`, start));
    return `'sha256-${createHash('sha256').update(inside).digest('base64')}'`;
  };
  const policy = [
    "default-src 'none'",
    `script-src ${hashOf('script')}`,
    `style-src ${hashOf('style')}`,
    "connect-src 'self'",
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ];
  return (response) => {
    response.writeHead(200, {
      ...HEADERS,
      'content-type': 'text/html; charset=utf-8',
      'content-length': Buffer.byteLength(html),
      'content-security-policy': policy.join('; '),
    });
    response.end(html);
  };
}

function reply(response, status, value) {
  const body = JSON.stringify(value);
  response.writeHead(status, {
    ...HEADERS,
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(body),
  });
  response.end(body);
}

// Not relative to an address: `//:` would be one of its own.
function readUrl({ url }) {
  try {
    return new URL(`http://inbox.invalid${url}`);
  } catch {
    throw problem(400, 'The address is not one of this inbox.');
  }
}

async function readBody(request) {
  const chunks = [];
  let size = 0;
  for await (const chunk of request) {
    size += chunk.length;
    // The rest is read and dropped, so that the answer arrives.
    if (size <= BODY_LIMIT_BYTES) chunks.push(chunk);
  }
  if (size > BODY_LIMIT_BYTES) throw problem(413, 'A fault is shorter than that.');
  try {
    return JSON.parse(Buffer.concat(chunks).toString());
  } catch {
    throw problem(400, 'The body is not JSON. Write a fault, such as {"kind":"noMoney"}.');
  }
}

function readQueued(value) {
  let fault;
  try {
    fault = readFault(value);
  } catch ({ message }) {
    throw problem(400, message);
  }
  if (fault === null) throw problem(400, 'A fault is an object with a kind, or the name of one.');
  if (fault.kind === 'reset' && fault.when !== 'after') {
    throw problem(400, 'The inbox resets a connection after it has read the message: leave out when.');
  }
  return fault;
}

function readNumber(query, name, otherwise, most = Number.MAX_SAFE_INTEGER) {
  if (!query.has(name)) return otherwise;
  const value = Number(query.get(name));
  if (Number.isInteger(value) && value >= 0 && value <= most) return value;
  throw problem(400, `${name} takes a whole number from 0 to ${most}.`);
}

function digits(number) {
  return (number ?? '').replace(/\D/g, '');
}

function problem(status, message) {
  return Object.assign(new Error(message), { status });
}

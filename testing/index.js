// The embedded gateway: a local SMS Aero that accepts messages, hands out their codes, and fails
// in every way a test asks for.

import http from 'node:http';
import net from 'node:net';
import tls from 'node:tls';

import { account, isList, isSend, judge, parameters, STATES, scalar } from './api.js';
import { accepts, faults, readFault } from './faults.js';
import { isForeignPage, isLocalName } from './loopback.js';
import { answerHonestly, confess, play } from './responses.js';
import { Store } from './store.js';

export { certificate } from './certificate.js';
export { segment } from './segments.js';
export { account, faults };

const FIRST_ID = 100_000_001;
const BODY_LIMIT_BYTES = 1 << 20;
// On the socket that requests come over: the TCP socket below it, and which connection that is.
const CONNECTION = Symbol('connection');
const CONNECTION_MODES = ['accept', 'reset', 'hold'];

/** Starts a gateway on the loopback interface. */
export function startGateway(options) {
  return Gateway.start(options);
}

class Gateway {
  #settings;
  #account;
  #store;
  #refused = [];
  #requests = [];
  #sockets = new Set();
  #opened = 0;
  #nextId = FIRST_ID;
  #mode = 'accept';
  #queue = [];
  #script = null;
  #list = null;
  #http;
  #server;
  #stopped;
  #url;

  static async start(options) {
    const gateway = new Gateway(readOptions(options));
    await gateway.#listen();
    return gateway;
  }

  constructor(settings) {
    this.#settings = settings;
    this.#account = { ...account, ...settings.account };
    this.#store = new Store(settings.keep, (since) => this.#refusedSince(since));
    // Parses requests, and never listens: connections come from the server below, if at all.
    // No idle timeout, or it would close a pooled connection under a test that is slow.
    this.#http = http.createServer({ keepAliveTimeout: 0 }, (req, res) => this.#receive(req, res));
    this.#http.on('clientError', (error, socket) => socket.destroy());
    this.#server = net.createServer({ allowHalfOpen: true, noDelay: true }, (socket) => this.#connect(socket));
  }

  get url() {
    return this.#url.href.slice(0, -1);
  }

  get port() {
    return this.#settings.port;
  }

  get account() {
    return this.#account;
  }

  get messages() {
    return this.#store.messages;
  }

  get requests() {
    return this.#requests;
  }

  get connections() {
    return { opened: this.#opened, open: this.#sockets.size };
  }

  get pendingFaults() {
    return [...this.#queue];
  }

  nextMessage(number, options) {
    return this.#store.next(number, options);
  }

  async nextCode(number, options) {
    const { code } = await this.#store.next(number, options, true);
    return code;
  }

  onMessage(listener) {
    return this.#store.onMessage(listener);
  }

  failNext(fault) {
    this.#queue.push(...(Array.isArray(fault) ? fault : [fault]).map(readFault));
  }

  respondWith(script) {
    this.#script = typeof script === 'function' ? script : readFault(script);
  }

  respondToList(script) {
    this.#list = typeof script === 'function' ? script : readListScript(script);
  }

  advance(message, state) {
    if (!Object.hasOwn(STATES, state)) {
      throw new TypeError(`advance takes ${Object.keys(STATES).join(', ')}`);
    }
    this.#store.advance(message?.id ?? message, state);
  }

  onConnection(mode) {
    if (!CONNECTION_MODES.includes(mode)) {
      throw new TypeError(`onConnection takes ${CONNECTION_MODES.join(', ')}`);
    }
    this.#mode = mode;
  }

  clear() {
    this.#requests.length = 0;
    this.#refused.length = 0;
    return this.#store.clear();
  }

  reset() {
    this.clear();
    this.#queue.length = 0;
    this.#script = null;
    this.#list = null;
    this.#mode = 'accept';
    Object.assign(this.#account, account, this.#settings.account);
  }

  stop() {
    this.#stopped ??= new Promise((resolve) => {
      this.#store.stop();
      this.#server.close(() => {
        // Its sockets are closed by now, though not all of them have reported it.
        this.#sockets.clear();
        resolve();
      });
      for (const socket of this.#sockets) socket.destroy();
    });
    return this.#stopped;
  }

  [Symbol.asyncDispose]() {
    return this.stop();
  }

  async #listen() {
    const { host, port, secureContext } = this.#settings;
    await new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen({ host, port }, resolve);
    });
    this.#settings.port = this.#server.address().port;
    const scheme = secureContext ? 'https' : 'http';
    const name = net.isIPv6(host) ? `[${host}]` : host;
    this.#url = new URL(`${scheme}://${name}:${this.#settings.port}`);
  }

  #connect(raw) {
    this.#opened += 1;
    this.#sockets.add(raw);
    raw.once('close', () => this.#sockets.delete(raw));
    raw.on('error', ignore);

    if (this.#mode === 'reset' || this.#takesConnectionFault()) {
      raw.resetAndDestroy();
    } else if (this.#mode === 'hold') {
      // Read on, or the client's own close would go unnoticed.
      raw.resume();
      raw.once('end', () => raw.end());
    } else {
      this.#http.emit('connection', this.#wrap(raw));
    }
  }

  #wrap(raw) {
    const { secureContext } = this.#settings;
    let socket = raw;
    if (secureContext) {
      const options = { isServer: true, secureContext, ALPNProtocols: ['http/1.1'] };
      socket = new tls.TLSSocket(raw, options);
      socket.on('error', ignore);
    }
    // A TLS socket cannot send a reset; the TCP socket below it can.
    socket[CONNECTION] = { raw, id: this.#opened };
    return socket;
  }

  // A reset before anything is read has to be decided while there is no request to look at.
  #takesConnectionFault() {
    if (isEarly(this.#queue[0]) && this.#queue[0].when === 'before') {
      this.#queue.shift();
      return true;
    }
    return this.#queue.length === 0 && isEarly(this.#script) && this.#script.when === 'before';
  }

  #receive(req, res) {
    const mark = req.url.indexOf('?');
    const path = mark < 0 ? req.url : req.url.slice(0, mark);
    // A foreign name that resolves to this machine is a page in a browser, after the codes.
    const isApi = path.startsWith('/v2/') && isLocalName(req.headers.host);
    if (isApi && isForeignPage(req.headers)) {
      // Not read either: it may be anything.
      res.writeHead(403, { 'content-length': 0, connection: 'close' }).end();
      return;
    }
    if (this.#settings.fallback && !isApi) {
      this.#settings.fallback(req, res);
      return;
    }

    const { raw, id } = req.socket[CONNECTION];
    const record = {
      connection: id,
      at: Date.now(),
      method: req.method,
      path,
      query: mark < 0 ? '' : req.url.slice(mark + 1),
      headers: req.headers,
      rawHeaders: req.rawHeaders,
      body: '',
      fault: null,
      accepted: false,
      answered: false,
      status: null,
    };
    this.#requests.push(record);
    while (this.#requests.length > this.#settings.keep) this.#requests.shift();

    const { socket } = req;
    // Node loses a socket for good, and cannot end any more, if it is reset while its own end is on the way.
    const reset = () => (socket.writableEnded ? socket.destroy() : raw.resetAndDestroy());
    const exchange = { req, res, socket, record, reset };
    const script = isSend(path) ? this.#nextScript() : isList(path) ? this.#list : null;
    if (isEarly(script)) {
      play(script, exchange);
      return;
    }
    this.#readBody(exchange, () => this.#conclude(exchange, script));
  }

  #nextScript() {
    return this.#queue.length > 0 ? this.#queue.shift() : this.#script;
  }

  #readBody({ req, res, record }, done) {
    const chunks = [];
    let size = 0;
    req.on('data', (chunk) => {
      size += chunk.length;
      if (size <= BODY_LIMIT_BYTES) chunks.push(chunk);
    });
    req.on('end', () => {
      record.body = (chunks.length === 1 ? chunks[0] : Buffer.concat(chunks)).toString();
      if (size <= BODY_LIMIT_BYTES) {
        done();
      } else {
        record.status = 413;
        res.writeHead(413, { 'content-length': 0, connection: 'close' }).end();
      }
    });
  }

  #conclude(exchange, script) {
    if (typeof script !== 'function') {
      this.#answer(exchange, script);
      return;
    }
    const { method, path, headers, body } = exchange.record;
    const fields = parameters(exchange.record);
    const [number, sign, text] = [fields.number, fields.sign, fields.text].map(scalar);
    Promise.resolve({ method, path, headers, body, number, sign, text })
      .then(script)
      .then((fault) => this.#answer(exchange, isList(path) ? readListScript(fault ?? null) : readFault(fault ?? null)))
      .catch((error) => confess(exchange, error));
  }

  #answer(exchange, script) {
    const { record, res } = exchange;
    const listing = script?.kind === undefined ? script : null;
    const fault = listing === null ? script : null;
    const answer = judge(record, this.#account, this.#environment(listing ?? {}));
    exchange.answer = answer;
    this.#nextId += answer.messages.length;
    if (fault === null || accepts(fault)) this.#accept(answer, record);
    if (!record.accepted) this.#remember(answer, fault, record);

    // The client may have left while a script was thinking.
    if (res.destroyed) return;
    if (fault === null) answerHonestly(exchange);
    else play(fault, exchange);
  }

  #accept({ messages, charge }, record) {
    if (messages.length === 0) return;
    record.accepted = true;
    this.#account.balance = Math.round((this.#account.balance - charge) * 100) / 100;
    for (const message of messages) this.#store.add(message);
  }

  // Whoever waits for a code in vain learns of it: no message text, and no credentials.
  #remember({ status, envelope }, fault, { at, path }) {
    if (fault === null && status < 400) return;
    const fields = Object.keys(envelope.data ?? {}).join(', ');
    const words = `HTTP ${status}, ${envelope.message}${fields && ` (${fields})`}`;
    this.#refused.push({ at, words: `${path}: ${fault === null ? words : `fault ${fault.kind}`}` });
    while (this.#refused.length > this.#settings.keep) this.#refused.shift();
  }

  #refusedSince(since) {
    return this.#refused.filter(({ at }) => at >= since).map(({ words }) => words);
  }

  #environment({ lagMs = 0 }) {
    const now = Date.now();
    const isListed = ({ message }) => lagMs === 0 || message.at + lagMs <= now;
    return {
      nextId: this.#nextId,
      now,
      lookup: (id, test) => this.#store.lookup(id, test),
      listed: (test) => this.#store.listed(test).filter(isListed),
    };
  }
}

// What becomes of a question for the list: a fault, or a list that is late, for ever if need be.
function readListScript(script) {
  if (script === 'empty') return { lagMs: Number.POSITIVE_INFINITY };
  const { lagMs, ...rest } = script ?? {};
  if (lagMs === undefined) return readFault(script);
  if (typeof lagMs !== 'number' || !(lagMs >= 0) || Object.keys(rest).length > 0) {
    throw new TypeError('respondToList takes a fault, empty, null or { lagMs } with milliseconds');
  }
  return { lagMs };
}

function isEarly(fault) {
  return fault?.kind === 'reset' && fault.when !== 'after';
}

// What happens to a connection is the client's to notice; the gateway goes on.
function ignore() {}

function readOptions(options = {}) {
  const { host = '127.0.0.1', port = 0, tls: secure, account: own, keep = 100_000, fallback, ...rest } = options;
  const unknown = Object.keys(rest)[0] ?? Object.keys(own ?? {}).find((key) => !(key in account));
  if (unknown !== undefined) throw new TypeError(`startGateway has no option ${unknown}`);
  if (host !== 'localhost' && host !== '::1' && !(net.isIPv4(host) && host.startsWith('127.'))) {
    throw new TypeError(`host must be a loopback address, not ${host}: anyone could read the codes`);
  }
  if (!Number.isInteger(keep) || keep < 1) throw new TypeError('keep must be a positive integer');
  if (fallback !== undefined && typeof fallback !== 'function') {
    throw new TypeError('fallback must be a function (request, response)');
  }
  const secureContext = secure && readTls(secure);
  // A test that names no account has its own credentials in its application's configuration.
  const isAnyone = own?.email === undefined && own?.apiKey === undefined;
  const ownAccount = { ...(isAnyone && { allowAnyCredentials: true }), ...own };
  return { host, port, secureContext, account: ownAccount, keep, fallback };
}

// An authority given along is the client's to trust; in the context it would be sent to the client.
function readTls({ ca, ...own }) {
  return tls.createSecureContext({ minVersion: 'TLSv1.2', ...own });
}

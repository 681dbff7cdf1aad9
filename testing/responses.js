// What the client gets to see: the honest reply, and every way to spoil it.

import { STATUS_CODES } from 'node:http';
import { gzipSync } from 'node:zlib';

import { ipNotAllowed, noMoney, unauthorized, validation } from './api.js';

const JSON_TYPE = 'application/json; charset=utf-8';
const HTML_TYPE = 'text/html; charset=utf-8';
const CHUNK = Buffer.alloc(64 * 1024, 'x');

// Faults that are a whole, well-formed reply.
const REPLIES = {
  reply: ({ status, body, headers }) =>
    typeof body === 'string' ? { status, body, headers: lowerCase(headers) } : json(status, body, lowerCase(headers)),

  validation: ({ fields }) => fromApi(validation(fields)),
  unauthorized: () => fromApi(unauthorized()),
  noMoney: () => fromApi(noMoney()),
  ipNotAllowed: () => fromApi(ipNotAllowed()),
  rateLimited: ({ retryAfter }) =>
    json(
      429,
      { success: false, data: null, message: 'Too many requests.' },
      retryAfter === undefined ? {} : { 'retry-after': String(retryAfter) },
    ),
  unavailable: () => html(503, 'Service Temporarily Unavailable'),
  refused200: ({ message }) => json(200, { success: false, data: null, message }),
  rejected: (fault, { answer }) => {
    if (answer.status !== 200) return fromApi(answer);
    const { data } = answer.envelope;
    const refused = (item) => ({ ...item, status: 6, extendStatus: 'reject' });
    const rejected = Array.isArray(data) ? data.map(refused) : refused(data);
    return json(200, { success: true, data: rejected, message: null });
  },

  notJson: ({ status }) => html(status, 'Welcome'),
  empty: ({ status }) => ({ status, body: '' }),
  redirect: ({ status, location }) => ({ status, body: '', headers: { location } }),
  echo: ({ format }, { req, record }) => {
    if (format === 'text') return { status: 400, body: asText(req, record) };
    const { method, path, headers, body } = record;
    const request = { method, path, headers, body };
    return json(400, { success: false, data: { request }, message: 'Validation error.' });
  },
  gzip: (fault, { answer }) => ({
    status: answer.status,
    body: gzipSync(JSON.stringify(answer.envelope)),
    headers: { 'content-type': JSON_TYPE, 'content-encoding': 'gzip' },
  }),
};

// Faults of the connection itself.
const ACTIONS = {
  // Not a word, until the client or stop() closes the connection.
  silence: () => {},

  reset: (fault, { reset }) => reset(),

  halfReply: (fault, exchange) => {
    const { bytes, head } = serialize(exchange);
    exchange.socket.write(bytes.subarray(0, head + Math.ceil((bytes.length - head) / 2)));
    exchange.socket.destroySoon();
  },

  slow: ({ delayMs }, exchange) => {
    const timer = setTimeout(() => answerHonestly(exchange), delayMs);
    exchange.res.once('close', () => clearTimeout(timer));
  },

  drip: ({ everyMs, bytes: step }, exchange) => {
    const { socket, res, record } = exchange;
    const { bytes } = serialize(exchange);
    let sent = 0;
    const timer = setInterval(() => {
      socket.write(bytes.subarray(sent, sent + step));
      sent += step;
      if (sent < bytes.length) return;
      clearInterval(timer);
      record.answered = true;
      socket.destroySoon();
    }, everyMs);
    res.once('close', () => clearInterval(timer));
  },

  hugeBody: ({ bytes, status }, exchange) => {
    const { res, answer, record } = exchange;
    const success = status < 300;
    const data = success ? answer.envelope.data : null;
    const [start, end] = JSON.stringify({ success, data, message: '|' }).split(/\|(?="}$)/);
    let left = Math.max(0, bytes - Buffer.byteLength(start) - Buffer.byteLength(end));
    const length = Buffer.byteLength(start) + left + Buffer.byteLength(end);

    record.status = status;
    res.writeHead(status, { 'content-type': JSON_TYPE, 'content-length': length });
    res.write(start);
    // No faster than the client reads, or a gigabyte would wait in memory.
    const pump = () => {
      while (left > 0) {
        if (res.destroyed) return;
        const size = Math.min(left, CHUNK.length);
        left -= size;
        if (!res.write(CHUNK.subarray(0, size))) {
          res.once('drain', pump);
          return;
        }
      }
      record.answered = true;
      res.end(end);
    };
    pump();
  },

  wrongLength: ({ by }, exchange) => {
    const { res, socket, answer, record } = exchange;
    const body = JSON.stringify(answer.envelope);
    const length = Math.max(0, Buffer.byteLength(body) + by);
    record.status = answer.status;
    res.writeHead(answer.status, { 'content-type': JSON_TYPE, 'content-length': length });
    // Too much promised: only the end of the connection tells the client that no more will come.
    res.end(body, () => by > 0 && socket.destroySoon());
  },

  garbage: ({ text }, { socket }) => {
    socket.write(text, 'latin1');
    socket.destroySoon();
  },

  informational: ({ codes }, exchange) => {
    for (const code of codes) {
      exchange.socket.write(`HTTP/1.1 ${code} ${STATUS_CODES[code] ?? 'Informational'}\r\n\r\n`);
    }
    answerHonestly(exchange);
  },

  pipelinedJunk: ({ junk }, { res, answer, record }) => {
    const body = JSON.stringify(answer.envelope);
    record.status = answer.status;
    const length = Buffer.byteLength(body);
    res.writeHead(answer.status, { 'content-type': JSON_TYPE, 'content-length': length });
    // One write, so that the junk is in the client's hands together with the reply.
    record.answered = true;
    res.end(body + junk);
  },

  closeIdle: ({ afterMs }, exchange) => {
    exchange.res.once('finish', () => {
      setTimeout(() => exchange.socket.destroySoon(), afterMs).unref();
    });
    answerHonestly(exchange);
  },
};

/** Sends the honest answer. */
export function answerHonestly(exchange) {
  send(exchange, fromApi(exchange.answer));
}

/** Does to the exchange what the fault says. */
export function play(fault, exchange) {
  exchange.record.fault = fault.kind;
  const reply = REPLIES[fault.kind];
  if (reply) send(exchange, reply(fault, exchange));
  else ACTIONS[fault.kind](fault, exchange);
}

/** Answers that the gateway itself could not do what a test asked of it. */
export function confess(exchange, error) {
  const message = `The embedded gateway failed: ${error?.message ?? error}`;
  send(exchange, json(500, { success: false, data: null, message }));
}

function send({ res, record }, { status, body, headers }) {
  record.status = status;
  // Set before the client can have read a byte, so that a test may look right after its reply.
  record.answered = true;
  res.writeHead(status, { 'content-length': Buffer.byteLength(body), ...headers });
  res.end(body);
}

function serialize({ answer, record }) {
  const body = Buffer.from(JSON.stringify(answer.envelope));
  const head =
    `HTTP/1.1 ${answer.status} ${STATUS_CODES[answer.status]}\r\n` +
    `content-type: ${JSON_TYPE}\r\ncontent-length: ${body.length}\r\nconnection: close\r\n\r\n`;
  record.status = answer.status;
  return { bytes: Buffer.concat([Buffer.from(head), body]), head: head.length };
}

function asText(req, { body }) {
  const lines = [`${req.method} ${req.url} HTTP/${req.httpVersion}`];
  for (let index = 0; index < req.rawHeaders.length; index += 2) {
    lines.push(`${req.rawHeaders[index]}: ${req.rawHeaders[index + 1]}`);
  }
  return `${lines.join('\r\n')}\r\n\r\n${body}`;
}

function fromApi({ status, envelope }) {
  return json(status, envelope);
}

function json(status, value, headers) {
  return {
    status,
    body: JSON.stringify(value),
    headers: { 'content-type': JSON_TYPE, ...headers },
  };
}

// A script's Content-Length has to replace ours, not to stand beside it.
function lowerCase(headers = {}) {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}

function html(status, title) {
  const body = `<!doctype html>\n<title>${title}</title>\n<h1>${title}</h1>\n`;
  return { status, body, headers: { 'content-type': HTML_TYPE } };
}

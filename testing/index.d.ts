import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import type { SecureContextOptions } from 'node:tls';

/**
 * Starts a local SMS Aero on the loopback interface: it checks and answers requests as the real
 * gateway does, keeps what it accepts, and fails where a test asks it to. Nothing is ever sent.
 *
 * ```js
 * const gateway = await startGateway();
 * // Let the system under test send to gateway.url, then:
 * const code = await gateway.nextCode('79001234567');
 * await gateway.stop();
 * ```
 */
export function startGateway(options?: GatewayOptions): Promise<Gateway>;

export interface GatewayOptions {
  /** A loopback address: `127.0.0.1` (default), another of `127.0.0.0/8`, `::1` or `localhost`. */
  host?: string;
  /** TCP port. Default 0: one that is free. */
  port?: number;
  /**
   * Speaks HTTPS (TLS 1.2 and 1.3, HTTP/1.1) with this key and certificate; what
   * {@link certificate} returns fits, its `ca` is left to the client. Default: plain HTTP.
   */
  tls?: SecureContextOptions;
  /**
   * Fields of the account that differ from the exported {@link account}. Without `email` and `apiKey` any credentials
   * are taken, unless `allowAnyCredentials` says otherwise.
   */
  account?: Partial<Account>;
  /**
   * How many messages, and how many requests, are remembered; the oldest are forgotten.
   * Default 100 000. Lower it for load tests that watch memory.
   */
  keep?: number;
  /**
   * Handles every request outside `/v2/`, for example to serve a page on the same port, and every
   * one whose `Host` is not a name of this machine. Such requests are not recorded. Default: they
   * are answered with 404, and recorded.
   */
  fallback?: (request: IncomingMessage, response: ServerResponse) => void;
}

/** What the gateway knows about its only customer. */
export interface Account {
  /** User name of the Basic credentials. */
  email: string;
  /** Password of the Basic credentials. */
  apiKey: string;
  /** Money left. A real send that costs more is refused with 402; a test send is free. */
  balance: number;
  /** Price of one part of a message, in the currency of the balance. */
  cost: number;
  /** Sender names of `/v2/sign/list`; a bare string is an approved one. */
  signs: readonly (string | Sign)[];
  /** Refuses senders that are not among the approved `signs`. Default false: any name will do. */
  strictSigns: boolean;
  /** Takes any Basic credentials. Default: whether neither `email` nor `apiKey` is given. */
  allowAnyCredentials: boolean;
  /** False answers as the provider does to a caller outside the account's IP list: 404. */
  ipAllowed: boolean;
}

export interface Sign {
  name: string;
  /** 1 is approved. Default 1. */
  status?: number;
}

/** The account of a gateway that is given none. */
export const account: Readonly<Account>;

export interface Gateway extends AsyncDisposable {
  /** Base URL without a slash at its end, such as `http://127.0.0.1:40123`. */
  readonly url: string;
  readonly port: number;
  /** The live account: what is changed here counts from the next request on. */
  readonly account: Account;
  /** Accepted messages, oldest first. A live array; test messages are in it too. */
  readonly messages: readonly Message[];
  /** Requests whose head arrived, oldest first. A live array. Holds credentials. */
  readonly requests: readonly SeenRequest[];
  /** TCP connections, those that were reset or held included. */
  readonly connections: {
    /** Since the start. */
    readonly opened: number;
    /** Right now. */
    readonly open: number;
  };
  /** What {@link failNext} has queued and no request has met yet. */
  readonly pendingFaults: readonly (Fault | null)[];

  /**
   * The code of the next unread message, as {@link nextMessage} finds it; messages without a code
   * are passed over and stay unread.
   */
  nextCode(number?: string | number | null, options?: WaitOptions): Promise<string>;
  /**
   * The oldest unread message, at once if it is there, else as soon as it comes. Each message is
   * handed out once.
   * @param number Only messages to this number; anything but digits is ignored. Default: any.
   * @throws an Error with `code` `TIMEOUT`, or `STOPPED` when the gateway stops meanwhile.
   */
  nextMessage(number?: string | number | null, options?: WaitOptions): Promise<Message>;
  /** Calls back for every message from now on; returns the function that ends it. */
  onMessage(listener: (message: Message) => void): () => void;

  /**
   * Queues faults, one for each request to `sms/send` or `sms/testsend`, in the order of arrival;
   * `null` lets one request through. Other requests are not touched. See {@link faults}.
   */
  failNext(fault: FaultLike | null | readonly (FaultLike | null)[]): void;
  /**
   * Answers every send that finds the queue empty with this fault, or with the one the function
   * returns (nothing: the normal answer), until it is called again. `null`: normal answers.
   */
  respondWith(script: FaultLike | null | FaultScript): void;
  /**
   * Answers every question for the list of messages (`sms/list`, `sms/testlist`) with this fault, or with a list in which
   * messages appear late (`lagMs`, in milliseconds) or never (`empty`), or as the function says, until it is called
   * again. `null`: the list as it is.
   */
  respondToList(script: ListScript | null | ((request: SendRequest) => ListScript | null | undefined | void)): void;
  /** Says what became of an accepted message, for whoever asks for its status or for the list. */
  advance(message: Message | number, state: MessageState): void;

  /**
   * What happens to new connections: `accept` (default); `reset` at once; `hold` accepts TCP and
   * never says a word, so that even a TLS handshake hangs.
   */
  onConnection(mode: 'accept' | 'reset' | 'hold'): void;

  /**
   * Forgets messages and requests. Faults, the account and those who wait stay. What it gives puts the messages back,
   * before those that have come since.
   */
  clear(): () => void;
  /** Back to the start: {@link clear}, and no faults, connections accepted, the first account. */
  reset(): void;
  /** Destroys every connection, closes the port, rejects those who wait. May be called again. */
  stop(): Promise<void>;
}

/** See {@link Gateway.respondToList}. */
export type ListScript = FaultLike | 'empty' | { lagMs: number };

/** A message is queued at first; delivered, undelivered and rejected are final. */
export type MessageState =
  | 'queued'
  | 'delivered'
  | 'undelivered'
  | 'at_operator'
  | 'waiting'
  | 'rejected'
  | 'moderation';

export interface WaitOptions {
  /** Milliseconds to wait. Default 5000; `Infinity` waits until the gateway stops. */
  timeoutMs?: number;
  /** Only messages later than this one, or accepted at this time (ms since 1970) or later. */
  after?: Message | Date | number;
  /** Leaves the message unread. Default false. */
  peek?: boolean;
  /** Ends the waiting with the signal's reason. */
  signal?: AbortSignal;
}

/** A message that the provider would deliver. */
export interface Message {
  /** The id in the reply. */
  id: number;
  /** Digits with the country code, without a plus. */
  number: string;
  /** The sender's name. */
  sign: string;
  text: string;
  /**
   * What its reader would type: the code of a last line such as `@example.com #123456`, else the
   * first run of four to eight digits, else null.
   */
  code: string | null;
  /** SMS parts it is billed as. */
  parts: number;
  alphabet: 'GSM' | 'UCS-2';
  /** Price of all its parts, also for a test message, which is not charged. */
  cost: number;
  /** True when it came by `sms/testsend`: nobody's phone would show it. */
  test: boolean;
  /** When it was accepted, in milliseconds since 1970. */
  at: number;
  /** Headers of its request, without `authorization`. */
  headers: IncomingHttpHeaders;
}

/** A request as it arrived, and what became of it. */
export interface SeenRequest {
  /** Which connection it came over: 1 is the first that was opened. */
  connection: number;
  /** When its head arrived, in milliseconds since 1970. */
  at: number;
  method: string;
  /** Path without the query. */
  path: string;
  /** Query without the question mark. */
  query: string;
  /** Headers, `authorization` included; names in lower case. */
  headers: IncomingHttpHeaders;
  /** Names and values by turns, spelled and ordered as they arrived. */
  rawHeaders: string[];
  /** The body as text; empty until it has arrived whole. */
  body: string;
  /** The fault it met. */
  fault: FaultKind | null;
  /** Whether it left a message that the provider keeps. */
  accepted: boolean;
  /**
   * Whether a whole reply in valid HTTP was written, whatever its content. True as soon as the reply
   * is on its way, so it is known before the client can have read it.
   */
  answered: boolean;
  /** HTTP status of the reply, if there was one. */
  status: number | null;
}

/** What a {@link Gateway.respondWith} function gets to see. Missing fields are empty strings. */
export interface SendRequest {
  method: string;
  path: string;
  headers: IncomingHttpHeaders;
  body: string;
  number: string;
  sign: string;
  text: string;
}

export type FaultScript = (
  request: SendRequest,
) => FaultLike | null | undefined | void | Promise<FaultLike | null | undefined | void>;

/** A fault, or the name of one that needs no options, such as `'noMoney'`. */
export type FaultLike = Fault | FaultKind;

export type FaultKind = Fault['kind'];

/** Whether the provider keeps the message nevertheless: it is stored, and charged for. */
interface Accept {
  accept?: boolean;
}

/** A failure as plain data, which JSON can carry. Missing options have their defaults. */
export type Fault =
  | ({ kind: 'reply' } & ReplyOptions)
  | { kind: 'validation'; fields?: Record<string, string[]> }
  | { kind: 'unauthorized' | 'noMoney' | 'ipNotAllowed' | 'rejected' }
  | ({ kind: 'rateLimited' } & RateLimitedOptions)
  | ({ kind: 'unavailable' } & Accept)
  | { kind: 'refused200'; message?: string }
  | ({ kind: 'notJson' | 'empty' } & StatusOptions)
  | ({ kind: 'redirect' } & RedirectOptions)
  | { kind: 'echo'; format?: 'text' | 'json' }
  | ({ kind: 'hugeBody' } & HugeBodyOptions)
  | { kind: 'gzip' }
  | { kind: 'informational'; codes?: number[] }
  | ({ kind: 'silence' } & Accept)
  | ({ kind: 'reset' } & ResetOptions)
  | ({ kind: 'halfReply' } & Accept)
  | { kind: 'slow'; delayMs?: number }
  | ({ kind: 'drip' } & DripOptions)
  | ({ kind: 'wrongLength' } & WrongLengthOptions)
  | ({ kind: 'garbage'; text?: string } & Accept)
  | { kind: 'pipelinedJunk'; junk?: string }
  | { kind: 'closeIdle'; afterMs?: number };

export interface ReplyOptions extends Accept {
  /** 200 to 599. Default 200. */
  status?: number;
  /** A string goes out as it is, an object as JSON. Default empty. */
  body?: string | object;
  /** Added to, and stronger than, the ones the gateway sets. */
  headers?: Record<string, string>;
}

export interface RateLimitedOptions {
  /** The `retry-after` header: seconds or an HTTP date. Default: no such header. */
  retryAfter?: number | string;
}

export interface StatusOptions extends Accept {
  /** 200 to 599. Default 200. */
  status?: number;
}

export interface RedirectOptions {
  /** Default 307, which a client that follows would repeat the message for. */
  status?: number;
  /** Default `/v2/sms/send`, here: a client that follows shows up in `requests`. */
  location?: string;
}

export interface HugeBodyOptions extends StatusOptions {
  /** Size of the body, at least 200. Default 1 MiB. */
  bytes?: number;
}

export interface ResetOptions extends Accept {
  /**
   * `before` anything is read: the next connection, or the next send on an open one. `during`: the
   * head of the request was read. `after` (default): all of it was; only then may it be accepted.
   */
  when?: 'before' | 'during' | 'after';
}

export interface DripOptions {
  /** Milliseconds between two pieces. Default 10. */
  everyMs?: number;
  /** Bytes in a piece. Default 1. */
  bytes?: number;
}

export interface WrongLengthOptions extends Accept {
  /**
   * How much the `content-length` is above (then the connection closes) or, when negative, below
   * the length of the body. Default 16.
   */
  by?: number;
}

/**
 * Constructors of faults. Each says whether the message counts as accepted; where there is an
 * `accept` option, it decides. An accepted message still has to pass the usual checks.
 */
export const faults: {
  /** Any reply. Not accepted by default. */
  reply(options?: ReplyOptions): Fault;

  /** 400 with these codes for each field; default `{ number: ['incorrect'] }`. Never accepted. */
  validation(fields?: Record<string, string[]>): Fault;
  /** 401, wrong credentials. Never accepted. */
  unauthorized(): Fault;
  /** 402. Never accepted. */
  noMoney(): Fault;
  /** 404, the caller's address is not in the account's list. Never accepted. */
  ipNotAllowed(): Fault;
  /** 429. Never accepted. */
  rateLimited(options?: RateLimitedOptions): Fault;
  /** 503 with a proxy's HTML. Not accepted by default. */
  unavailable(options?: Accept): Fault;
  /** 200 with `success: false` and a message. Never accepted. */
  refused200(options?: { message?: string }): Fault;
  /** 200 with `success: true`, but the message's status is 6, rejected. Never accepted. */
  rejected(): Fault;

  /** HTML where JSON belongs. Not accepted by default. */
  notJson(options?: StatusOptions): Fault;
  /** No body at all. Not accepted by default. */
  empty(options?: StatusOptions): Fault;
  /** Never accepted. */
  redirect(options?: RedirectOptions): Fault;
  /** 400 that repeats the request, credentials and text included. Never accepted. */
  echo(options?: { format?: 'text' | 'json' }): Fault;
  /** The normal envelope (a refusal if `status` is not 2xx), very long. Accepted by default. */
  hugeBody(options?: HugeBodyOptions): Fault;
  /** The normal reply, compressed although nobody asked. Accepted. */
  gzip(): Fault;
  /** Statuses below 200, default 100 and 103, then the normal reply. Accepted. */
  informational(options?: { codes?: number[] }): Fault;

  /** Reads the request and never answers. Not accepted by default. */
  silence(options?: Accept): Fault;
  /** A TCP reset. Not accepted by default. */
  reset(options?: ResetOptions): Fault;
  /** The head and half of the body, then the connection closes. Accepted by default. */
  halfReply(options?: Accept): Fault;
  /** The normal reply after `delayMs` (default 1000). Accepted, before the delay. */
  slow(options?: { delayMs?: number }): Fault;
  /** The normal reply in small pieces, head included, then the connection closes. Accepted. */
  drip(options?: DripOptions): Fault;
  /** The normal reply with a false length. Accepted by default. */
  wrongLength(options?: WrongLengthOptions): Fault;
  /** Bytes that are not HTTP, then the connection closes. Not accepted by default. */
  garbage(options?: { text?: string } & Accept): Fault;
  /** The normal reply, and behind it bytes that belong to no reply. Accepted. */
  pipelinedJunk(options?: { junk?: string }): Fault;
  /** The normal reply, keep-alive; the connection closes `afterMs` (default 20) later. Accepted. */
  closeIdle(options?: { afterMs?: number }): Fault;
};

/**
 * A throw-away certificate for {@link GatewayOptions.tls}, and in `ca` the authority that a client
 * has to trust. All PEM.
 */
export function certificate(options?: {
  /** Host names and IP addresses. Default `localhost`, `127.0.0.1` and `::1`. */
  names?: string[];
  /** Default: an hour ago. */
  notBefore?: Date;
  /** Default: in thirty days. */
  notAfter?: Date;
}): { key: string; cert: string; ca: string };

/** Counts a text as an operator does. */
export function segment(text: string): {
  alphabet: 'GSM' | 'UCS-2';
  /** Septets, or UTF-16 units. */
  units: number;
  parts: number;
};

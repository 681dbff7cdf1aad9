// The accepted messages, and those who wait for one.

const LONGEST_TIMER_MS = 2 ** 31 - 1;

export class Store {
  #messages = [];
  #byId = new Map();
  #unread = new Set();
  #waiting = new Set();
  #listeners = new Set();
  #keep;
  #refusedSince;
  // Refusals from then on are what somebody who waits in vain wants to hear of.
  #lastTaken = 0;
  #stopped = false;

  /** Keeps so many messages; `refusedSince` says what was refused since a time in milliseconds, and why. */
  constructor(keep, refusedSince = () => []) {
    this.#keep = keep;
    this.#refusedSince = refusedSince;
  }

  get messages() {
    return this.#messages;
  }

  add(message) {
    this.#messages.push(message);
    this.#byId.set(message.id, { message, timesAsked: 0 });
    this.#unread.add(message);
    while (this.#messages.length > this.#keep) this.#forget(this.#messages.shift());

    for (const wait of this.#waiting) {
      // Any number may peek; one takes.
      const taken = !this.#unread.has(message);
      if ((taken && !wait.peek) || !wait.matches(message)) continue;
      if (!wait.peek) this.#take(message);
      wait.resolve(message);
    }
    for (const listener of this.#listeners) {
      // Its own microtask, so that a listener that throws cannot spoil the reply.
      queueMicrotask(() => listener(message));
    }
  }

  /** What a status request finds; the first one still finds the message in the queue. */
  lookup(id, test) {
    const entry = this.#byId.get(id);
    if (!entry || entry.message.test !== test) return undefined;
    const found = { ...entry };
    entry.timesAsked += 1;
    return found;
  }

  /** The messages of one kind, oldest first, each with the state that a test gave it. */
  listed(test) {
    return [...this.#byId.values()].filter(({ message }) => message.test === test);
  }

  /** Says what became of a message. */
  advance(id, state) {
    const entry = this.#byId.get(id);
    if (!entry) throw new TypeError(`There is no message ${id}`);
    entry.state = state;
  }

  async next(number, { timeoutMs = 5000, after, peek = false, signal } = {}, withCode = false) {
    const wanted = readNumber(number);
    const isLater = readAfter(after);
    if (typeof timeoutMs !== 'number' || !(timeoutMs >= 0)) {
      throw new TypeError('timeoutMs must be a number of milliseconds, zero or more');
    }
    const matches = (message) =>
      (wanted === null || message.number === wanted) && (!withCode || message.code !== null) && isLater(message);

    for (const message of this.#unread) {
      if (!matches(message)) continue;
      if (!peek) this.#take(message);
      return message;
    }
    if (this.#stopped) throw stopped();
    signal?.throwIfAborted();
    return this.#wait({ matches, peek, wanted, withCode, timeoutMs, signal });
  }

  onMessage(listener) {
    if (typeof listener !== 'function') throw new TypeError('onMessage takes a function');
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Forgets the messages; what it gives puts them back, before those that have come since. */
  clear() {
    // Emptied in place: whoever holds the array sees it empty too.
    const messages = this.#messages.splice(0);
    const [byId, unread] = [[...this.#byId], [...this.#unread]];
    this.#byId.clear();
    this.#unread.clear();
    return () => {
      this.#messages.unshift(...messages.splice(0));
      this.#byId = new Map([...byId.splice(0), ...this.#byId]);
      this.#unread = new Set([...unread.splice(0), ...this.#unread]);
      while (this.#messages.length > this.#keep) this.#forget(this.#messages.shift());
    };
  }

  stop() {
    this.#stopped = true;
    for (const wait of this.#waiting) wait.reject(stopped());
    this.#listeners.clear();
  }

  #take(message) {
    this.#unread.delete(message);
    this.#lastTaken = Date.now();
  }

  #forget(message) {
    this.#byId.delete(message.id);
    this.#unread.delete(message);
  }

  #wait({ matches, peek, wanted, withCode, timeoutMs, signal }) {
    return new Promise((resolve, reject) => {
      const settle = (finish) => (value) => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', onAbort);
        this.#waiting.delete(wait);
        finish(value);
      };
      const wait = { matches, peek, resolve: settle(resolve), reject: settle(reject) };
      const onAbort = () => wait.reject(signal.reason);
      const onTimeout = () => {
        const what = `${withCode ? 'code' : 'message'}${wanted === null ? '' : ` to ${wanted}`}`;
        const seen = `${this.#messages.length} accepted so far`;
        const sentence = `No ${what} came within ${timeoutMs} ms (${seen})${refusals(this.#refusedSince(this.#lastTaken))}`;
        wait.reject(failure('TIMEOUT', sentence));
      };
      const timer = timeoutMs > LONGEST_TIMER_MS ? undefined : setTimeout(onTimeout, Math.ceil(timeoutMs));
      signal?.addEventListener('abort', onAbort, { once: true });
      this.#waiting.add(wait);
    });
  }
}

const MOST_REFUSALS = 3;

function refusals(list) {
  if (list.length === 0) return '';
  const last = list.slice(-MOST_REFUSALS).join('; ');
  return `. Refused meanwhile: ${list.length}, such as ${last}`;
}

function readNumber(number) {
  if (number === undefined || number === null) return null;
  const digits = ['string', 'number'].includes(typeof number) && String(number).replace(/\D/g, '');
  if (!digits) throw new TypeError('number must be a phone number, as digits');
  return digits;
}

function readAfter(after) {
  if (after === undefined || after === null) return () => true;
  if (Number.isInteger(after?.id)) return (message) => message.id > after.id;
  const time = Number(after instanceof Date ? after.getTime() : after);
  if (Number.isNaN(time)) throw new TypeError('after must be a message, a Date or milliseconds');
  return (message) => message.at >= time;
}

function stopped() {
  return failure('STOPPED', 'The gateway was stopped');
}

function failure(code, message) {
  return Object.assign(new Error(message), { code });
}

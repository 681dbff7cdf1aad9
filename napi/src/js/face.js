// The JavaScript half of the connector: closures, promises and errors, which V8 makes cheaper than Node-API does
// and whose cycles its collector sees. It decides nothing. Evaluated once an environment, with the host's classes.
// In parentheses, so that V8 compiles it at once instead of reading it twice.
// biome-ignore lint/complexity/useArrowFunction: the parentheses around an arrow function would not be left there
(function (host) {
  'use strict';

  const { parse } = JSON;
  const { isArray } = Array;

  // The shapes of Logto's classes, for a harness that has no Logto.
  const ConnectorError =
    host.ConnectorError ??
    class ConnectorError extends Error {
      constructor(code, data) {
        super(`ConnectorError: ${data ? JSON.stringify(data) : code}`);
        this.code = code;
        this.data = typeof data === 'string' ? { message: data } : data;
      }
    };
  const ZodError =
    host.ZodError ??
    class ZodError extends Error {
      constructor(issues) {
        super(JSON.stringify(issues, null, 2));
        this.issues = issues;
        this.name = 'ZodError';
      }

      get errors() {
        return this.issues;
      }
    };

  // Zod's order of questions, which getters and proxies can tell from another one.
  const objectLetter = (value) => {
    if (isArray(value)) return 'a';
    if (
      value.then &&
      typeof value.then === 'function' &&
      value.catch &&
      typeof value.catch === 'function'
    )
      return 'p';
    if (value instanceof Map) return 'm';
    if (value instanceof Set) return 'S';
    if (value instanceof Date) return 'd';
    return 'o';
  };
  const letterOf = (value) => {
    switch (typeof value) {
      case 'string':
        return 's';
      case 'undefined':
        return 'u';
      case 'boolean':
        return value ? 't' : 'f';
      case 'number':
        return Number.isNaN(value) ? 'N' : '#';
      case 'bigint':
        return 'b';
      case 'symbol':
        return 'y';
      case 'function':
        return 'F';
      default:
        return value === null ? 'n' : objectLetter(value);
    }
  };

  // Notes what the guard may know of a value: its letter, and of a string the characters after it.
  const note = (parts, value) => {
    const letter = letterOf(value);
    parts.push(letter);
    if (letter === 's') parts.push(value);
    return letter;
  };
  // The same of a value of which nothing more is asked.
  const noteShut = (parts, value) => shut(parts, note(parts, value));
  const shut = (parts, letter) => {
    if (letter === 'o' || letter === 'a') parts.push('.');
  };

  // What is being read of a configuration, for the sentence when that throws.
  let reading;
  let place;
  const where = () =>
    `config${place === undefined ? '' : `.templates[${place}]`}${reading ? `.${reading}` : ''}`;

  // Takes a configuration apart as src/description.rs reads it, and gathers the known keys, if it is given where to, as
  // the guard hands them back. Everything is read once and in zod's order, which asks with ‘has’ after it reads, as a
  // proxy may notice; keys of our own are not asked of an object that lacks them.
  const survey = (config, data) => {
    reading = undefined;
    place = undefined;
    const parts = [];
    const letter = note(parts, config);
    if (letter !== 'o') {
      shut(parts, letter);
      return parts;
    }
    reading = 'email';
    const { email } = config;
    noteShut(parts, email);
    Reflect.has(config, 'email');
    reading = 'apiKey';
    const { apiKey } = config;
    noteShut(parts, apiKey);
    Reflect.has(config, 'apiKey');
    reading = 'senderName';
    const { senderName } = config;
    noteShut(parts, senderName);
    Reflect.has(config, 'senderName');
    if (data) Object.assign(data, { email, apiKey, senderName, templates: undefined });
    reading = 'templates';
    surveyTemplates(parts, config.templates, data);
    Reflect.has(config, 'templates');
    reading = 'fallbackToGeneric';
    const fallbackToGeneric = 'fallbackToGeneric' in config ? config.fallbackToGeneric : undefined;
    noteShut(parts, fallbackToGeneric);
    if (data && fallbackToGeneric !== undefined) data.fallbackToGeneric = fallbackToGeneric;
    reading = 'testMode';
    const testMode = 'testMode' in config ? config.testMode : undefined;
    noteShut(parts, testMode);
    if (data && testMode !== undefined) data.testMode = testMode;
    reading = 'allowedPrefixes';
    const allowedPrefixes = 'allowedPrefixes' in config ? config.allowedPrefixes : undefined;
    surveyPrefixes(parts, allowedPrefixes, data);
    parts.push('.');
    return parts;
  };

  const surveyTemplates = (parts, value, data) => {
    if (data) data.templates = value;
    const letter = note(parts, value);
    if (letter !== 'a') return shut(parts, letter);
    const templates = [...value];
    for (place = 0; place < templates.length; place += 1) {
      const kept = surveyTemplate(parts, templates[place], data);
      if (data) templates[place] = kept;
    }
    place = undefined;
    if (data) data.templates = templates;
    parts.push('.');
  };

  const surveyTemplate = (parts, value, data) => {
    reading = undefined;
    const letter = note(parts, value);
    if (letter !== 'o') {
      shut(parts, letter);
      return value;
    }
    reading = 'usageType';
    const { usageType } = value;
    noteShut(parts, usageType);
    Reflect.has(value, 'usageType');
    reading = 'content';
    const { content } = value;
    noteShut(parts, content);
    Reflect.has(value, 'content');
    reading = 'locale';
    const locale = 'locale' in value ? value.locale : undefined;
    noteShut(parts, locale);
    parts.push('.');
    if (!data) return value;
    return locale === undefined ? { usageType, content } : { usageType, content, locale };
  };

  const surveyPrefixes = (parts, value, data) => {
    const letter = note(parts, value);
    if (letter !== 'a') {
      if (data && value !== undefined) data.allowedPrefixes = value;
      return shut(parts, letter);
    }
    const prefixes = [...value];
    if (data) data.allowedPrefixes = prefixes;
    for (const prefix of prefixes) noteShut(parts, prefix);
    parts.push('.');
  };

  const isSame = (parts, others) => {
    const { length } = parts;
    if (length !== others.length) return false;
    for (let index = 0; index < length; index += 1) {
      if (parts[index] !== others[index]) return false;
    }
    return true;
  };

  const describe = (parts) => {
    let description = '';
    for (let index = 0; index < parts.length; index += 1) {
      description += parts[index];
      if (parts[index] === 's') {
        index += 1;
        description += `${parts[index].length}:${parts[index]}`;
      }
    }
    return description;
  };

  // Where systems keep the bundle that OpenSSL takes by default.
  const OPENSSL_FILES = [
    '/etc/ssl/certs/ca-certificates.crt',
    '/etc/ssl/cert.pem',
    '/etc/pki/tls/certs/ca-bundle.crt',
    '/usr/lib/ssl/cert.pem',
    '/usr/local/ssl/cert.pem',
  ];

  // What the connector takes over from Node: whom to trust, and the proxy to go through.
  const surroundings = () => {
    const { env } = process;
    const tls = process.getBuiltinModule('node:tls');
    const fs = process.getBuiltinModule('node:fs');
    // What cannot be read is left out, as Node leaves it out.
    const read = (file) => {
      try {
        return fs.readFileSync(file, 'utf8');
      } catch {
        return '';
      }
    };
    const list = (folder) => {
      try {
        return fs.readdirSync(folder).map((name) => `${folder}/${name}`);
      } catch {
        return [];
      }
    };
    // Node does not tell what is in OpenSSL's own store, only that it is used.
    const flags = `${process.execArgv.join(' ')} ${env.NODE_OPTIONS ?? ''}`;
    const openssl = () => {
      const file = env.SSL_CERT_FILE || OPENSSL_FILES.find((name) => fs.existsSync(name));
      const folders = (env.SSL_CERT_DIR || (file ? '' : '/etc/ssl/certs'))
        .split(':')
        .filter(Boolean);
      return [file ? read(file) : '', ...folders.flatMap(list).map(read)];
    };
    const trusted = () => {
      const extra = env.NODE_EXTRA_CA_CERTS ? read(env.NODE_EXTRA_CA_CERTS) : '';
      if (/--use-openssl-ca\b/.test(flags)) return [...openssl(), extra];
      return tls.getCACertificates
        ? tls.getCACertificates('default')
        : [...tls.rootCertificates, extra];
    };
    const proxy = env.https_proxy || env.HTTPS_PROXY || env.all_proxy || env.ALL_PROXY || '';
    return [trusted().join('\n'), proxy, env.no_proxy || env.NO_PROXY || ''];
  };

  const failure = ({ code, data, issues }) =>
    new ConnectorError(code, issues ? new ZodError(issues) : data);

  const { tracingChannel } = process.getBuiltinModule('node:diagnostics_channel');
  const { debuglog, format } = process.getBuiltinModule('node:util');
  const { setTimeout, clearTimeout, setInterval } = process.getBuiltinModule('node:timers');
  const { hrtime } = process;
  const channel = tracingChannel('connector-smsaero:send');
  const log = debuglog('smsaero');

  const millisecondsSince = (since) => {
    const [seconds, nanoseconds] = hrtime(since);
    return seconds * 1e3 + nanoseconds / 1e6;
  };

  const line = ({
    number,
    usageType,
    gateway,
    totalMs,
    outcome,
    reason,
    httpStatus,
    id,
    status,
    cost,
    parts,
    alphabet,
  }) => {
    const seen = [
      reason,
      httpStatus && `HTTP ${httpStatus}`,
      id && `id ${id}, status ${status}, cost ${cost}`,
    ];
    const words = seen.filter(Boolean).join(', ');
    return format(
      '%s to %s: %s (%s) by %s in %d ms, %d x %s',
      usageType,
      number,
      outcome,
      words,
      gateway,
      totalMs,
      parts,
      alphabet,
    );
  };

  // Sends that have not been settled, by ticket. They, and nothing else, keep the process alive.
  const waiting = new Map();
  let alive;
  const wait = (ticket, send) => {
    if (waiting.size === 0) {
      alive ??= setInterval(() => {}, 0x7fffffff);
      alive.ref();
    }
    waiting.set(ticket, send);
  };

  const settle = (batch) => {
    if (!batch) return;
    for (const [ticket, accepted, outcome, trace] of parse(batch)) {
      const { resolve, reject, context } = waiting.get(ticket);
      waiting.delete(ticket);
      if (trace) {
        if (context) Object.assign(context, trace);
        if (log.enabled) log(line(trace));
      }
      if (accepted) resolve(outcome);
      else reject(failure(outcome));
    }
    if (waiting.size === 0) alive.unref();
  };

  const join = (native, description, totalMs) => {
    const metadata = parse(description);
    const { id } = metadata;

    const [NOT_AN_OBJECT, NOT_A_STRING, NOT_A_FUNCTION, THREW, UNREADABLE, OVERDUE] = [
      0, 1, 2, 3, 4, 5,
    ];
    const complaint = (field, problem, byAdministrator) =>
      failure(parse(native.complaint(field, problem, byAdministrator)));

    // Options as a rule are none, or the same again.
    let lastManner = { way: 0 };
    const manner = (options) => {
      const gateways = options?.gateways ?? (process.env.SMSAERO_GATEWAYS || undefined);
      const timeoutMs = options?.timeoutMs ?? undefined;
      const connectTimeoutMs = options?.connectTimeoutMs ?? undefined;
      const milliseconds = (value) =>
        value === undefined || typeof value === 'number' ? value : Number.NaN;
      // What is no address is refused in the words for an entry that is none.
      const address = (entry) => (typeof entry === 'string' ? entry : typeof entry);
      const addresses = isArray(gateways) ? gateways.map(address).join(',') : address(gateways);
      const list = gateways === undefined ? undefined : addresses;
      const [total, connect] = [milliseconds(timeoutMs), milliseconds(connectTimeoutMs)];
      const { list: lastList, total: lastTotal, connect: lastConnect } = lastManner;
      if (list !== lastList || total !== lastTotal || connect !== lastConnect)
        lastManner = { list, total, connect, way: native.manner(list, total, connect) };
      return lastManner.way;
    };

    const envelopeOf = (data, byAdministrator) => {
      if (data === null || typeof data !== 'object')
        throw complaint('data', NOT_AN_OBJECT, byAdministrator);
      let field = 'data.to';
      try {
        const { to } = data;
        field = 'data.type';
        const { type } = data;
        field = 'data.payload';
        const { payload } = data;
        return { to, type, payload };
      } catch {
        throw complaint(field, THREW, byAdministrator);
      }
    };

    // What native code has read last, and the issues that it found there. While the same comes again, nothing is read.
    let known = { parts: [], issues: '' };
    const issuesOf = (parts) => {
      if (!isSame(parts, known.parts)) known = { parts, issues: native.read(describe(parts)) };
      return known.issues;
    };

    const partsOf = (config, byAdministrator) => {
      try {
        return survey(config);
      } catch {
        throw complaint(where(), UNREADABLE, byAdministrator);
      }
    };

    // The ticket of a send that has started, or the error for which it has not.
    const launch = ({ data, config, byAdministrator, way, since }, traces) => {
      const { to, type, payload } = envelopeOf(data, byAdministrator);
      if (typeof to !== 'string') throw complaint('data.to', NOT_A_STRING, byAdministrator);
      if (typeof type !== 'string') throw complaint('data.type', NOT_A_STRING, byAdministrator);
      const waited = since === undefined ? 0 : millisecondsSince(since);
      // From here on no code of others runs before native code has what it needs of the configuration.
      issuesOf(partsOf(config, byAdministrator));
      try {
        return native.send(to, type, payload, way, byAdministrator, traces, waited);
      } catch (error) {
        // A part of the payload that threw is told by its name.
        const told = native.fault();
        throw told ? failure(parse(told)) : error;
      }
    };

    const sendOf = (data, config, byAdministrator, way) => ({
      data,
      config,
      byAdministrator,
      way,
      since: undefined,
      context: undefined,
      resolve: undefined,
      reject: undefined,
    });

    // What was thrown may be anything, and throw again when it is looked at.
    const reasonOf = (error) => {
      try {
        const reason = error?.data?.reason ?? error?.code;
        return typeof reason === 'string' ? reason : undefined;
      } catch {
        return undefined;
      }
    };

    // Ends with `resolve` or `reject` of the send, whatever happens.
    const begin = (send) => {
      const { context } = send;
      try {
        const answer = launch(send, context !== undefined || log.enabled);
        if (typeof answer === 'string') throw failure(parse(answer));
        wait(answer, send);
      } catch (error) {
        send.reject(error);
        if (!context && !log.enabled) return;
        const reason = reasonOf(error);
        if (context) Object.assign(context, { outcome: 'not_sent', reason });
        if (log.enabled) log(`not_sent (${reason})`);
      }
    };

    const start = (send, context) =>
      new Promise((resolve, reject) => {
        send.resolve = resolve;
        send.reject = reject;
        send.context = context;
        begin(send);
      });

    const dispatch = (send) => {
      if (!channel.hasSubscribers) return start(send);
      const context = {};
      return channel.tracePromise(start, context, undefined, send, context);
    };

    const { then } = Promise.prototype;

    // The same for a send whose configuration is not known yet, with no promise more than it needs. A `getConfig` that
    // never answers must not keep somebody waiting at the sign-in page, and what it says too late sends nothing.
    const dispatchAsking = (getConfig, patienceMs, send) =>
      new Promise((resolve, reject) => {
        if (typeof getConfig !== 'function') throw complaint('getConfig', NOT_A_FUNCTION, false);
        send.since = hrtime();
        const asked = Promise.resolve(getConfig(id));
        let isOverdue = false;
        const timer = setTimeout(() => {
          isOverdue = true;
          reject(complaint('config', OVERDUE, false));
        }, patienceMs);
        const go = (config) => {
          clearTimeout(timer);
          if (isOverdue) return;
          send.config = config;
          try {
            if (channel.hasSubscribers) {
              resolve(dispatch(send));
            } else {
              send.resolve = resolve;
              send.reject = reject;
              begin(send);
            }
          } catch (error) {
            reject(error);
          }
        };
        const fail = (error) => {
          clearTimeout(timer);
          reject(error);
        };
        // As `await` would do it, whatever `then` somebody gave the promise.
        Reflect.apply(then, asked, [go, fail]);
      });

    const safeParse = (value) => {
      const data = {};
      const issues = issuesOf(survey(value, data));
      return issues
        ? { success: false, error: new ZodError(parse(issues)) }
        : { success: true, data };
    };
    const parseOrThrow = (value) => {
      const result = safeParse(value);
      if (result.success) return result.data;
      throw result.error;
    };
    const configGuard = {
      safeParse,
      parse: parseOrThrow,
      safeParseAsync: async (value) => safeParse(value),
      parseAsync: async (value) => parseOrThrow(value),
      '~standard': {
        version: 1,
        vendor: 'connector-smsaero-native',
        validate: (value) => {
          const { success, data, error } = safeParse(value);
          return success ? { value: data } : { issues: error.issues };
        },
      },
    };

    const createConnector = async (options) => {
      if (options === null || typeof options !== 'object') {
        throw new TypeError('createConnector takes an object with the function `getConfig` in it.');
      }
      const { getConfig } = options;
      // Options that cannot be used are told at once, not with the first message.
      const way = manner(options);
      const patienceMs = options.timeoutMs ?? totalMs;
      return {
        metadata,
        type: 'Sms',
        configGuard,
        sendMessage: (data, inputConfig) =>
          inputConfig === undefined || inputConfig === null
            ? dispatchAsking(getConfig, patienceMs, sendOf(data, undefined, false, way))
            : dispatch(sendOf(data, inputConfig, true, way)),
      };
    };

    return {
      createConnector,
      sendMessage: async (data, config, options) =>
        dispatch(sendOf(data, config, true, manner(options))),
    };
  };

  return { string: String, surroundings, settle, join };
});

//# sourceURL=connector-smsaero-native/face.js

// The JavaScript half of the connector: closures, promises and errors, which V8 makes cheaper than Node-API does
// and whose cycles its collector sees. It decides nothing. Evaluated once an environment, with the host's classes.
(host) => {
  'use strict';

  const { parse } = JSON;
  const { isArray } = Array;

  // The shapes of Logto's classes, for a harness that has no Logto.
  const ConnectorError =
    host.ConnectorError ??
    class ConnectorError extends Error {
      constructor(code, data) {
        super(`ConnectorError: ${JSON.stringify(data)}`);
        this.name = 'ConnectorError';
        this.code = code;
        this.data = typeof data === 'string' ? { message: data } : data;
      }
    };
  const ZodError =
    host.ZodError ??
    class ZodError extends Error {
      constructor(issues) {
        super(JSON.stringify(issues, null, 2));
        this.name = 'ZodError';
        this.issues = issues;
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
  const describe = (value) => {
    switch (typeof value) {
      case 'string':
        return `s${value.length}:${value}`;
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

  // An object or an array of which nothing more is asked.
  const shut = (letter) => (letter === 'o' || letter === 'a' ? `${letter}.` : letter);
  const brief = (value) => shut(describe(value));

  // What is being read of a configuration, for the sentence when that throws.
  let reading;
  let place;
  const where = () =>
    `config${place === undefined ? '' : `.templates[${place}]`}${reading ? `.${reading}` : ''}`;

  // Describes a configuration as src/node/description.rs reads it, and gathers the known keys as the guard hands them
  // back. Everything is read once and in zod's order; keys of our own are not asked of an object that lacks them.
  const survey = (config) => {
    reading = undefined;
    place = undefined;
    const letter = describe(config);
    if (letter !== 'o') return { description: shut(letter) };
    const data = {};
    let description = 'o';
    const take = (key, as) => {
      reading = key;
      const value = config[key];
      data[key] = value;
      description += as(value, data);
      // Zod asks this too, which a proxy may notice.
      Reflect.has(config, key);
    };
    const takeOwn = (key, as) => {
      reading = key;
      const value = key in config ? config[key] : undefined;
      if (value !== undefined) data[key] = value;
      description += as(value, data);
    };
    take('email', brief);
    take('apiKey', brief);
    take('senderName', brief);
    take('templates', surveyTemplates);
    takeOwn('fallbackToGeneric', brief);
    takeOwn('testMode', brief);
    takeOwn('allowedPrefixes', surveyPrefixes);
    return { description: `${description}.`, data };
  };

  const surveyTemplates = (value, data) => {
    const letter = describe(value);
    if (letter !== 'a') return shut(letter);
    const templates = [...value];
    let description = 'a';
    for (place = 0; place < templates.length; place += 1) {
      description += surveyTemplate(templates[place], templates, place);
    }
    place = undefined;
    data.templates = templates;
    return `${description}.`;
  };

  const surveyTemplate = (value, templates, index) => {
    reading = undefined;
    const letter = describe(value);
    if (letter !== 'o') return shut(letter);
    reading = 'usageType';
    const { usageType } = value;
    const first = brief(usageType);
    Reflect.has(value, 'usageType');
    reading = 'content';
    const { content } = value;
    const second = brief(content);
    Reflect.has(value, 'content');
    reading = 'locale';
    const locale = 'locale' in value ? value.locale : undefined;
    templates[index] =
      locale === undefined ? { usageType, content } : { usageType, content, locale };
    return `o${first}${second}${brief(locale)}.`;
  };

  const surveyPrefixes = (value, data) => {
    const letter = describe(value);
    if (letter !== 'a') return shut(letter);
    const prefixes = [...value];
    data.allowedPrefixes = prefixes;
    return `a${prefixes.map(brief).join('')}.`;
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
    return JSON.stringify({
      roots: trusted().join('\n'),
      proxy: env.https_proxy || env.HTTPS_PROXY || env.all_proxy || env.ALL_PROXY || '',
      noProxy: env.no_proxy || env.NO_PROXY || '',
    });
  };

  const failure = ({ code, data, issues }) =>
    new ConnectorError(code, issues ? new ZodError(issues) : data);

  const { tracingChannel } = process.getBuiltinModule('node:diagnostics_channel');
  const { debuglog, format } = process.getBuiltinModule('node:util');
  const { setTimeout, clearTimeout, setInterval } = process.getBuiltinModule('node:timers');
  const { performance } = process.getBuiltinModule('node:perf_hooks');
  const channel = tracingChannel('connector-smsaero:send');
  const log = debuglog('smsaero');

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

    const manner = (options) => {
      const gateways = options?.gateways ?? (process.env.SMSAERO_GATEWAYS || undefined);
      const timeoutMs = options?.timeoutMs ?? undefined;
      const connectTimeoutMs = options?.connectTimeoutMs ?? undefined;
      if (gateways === undefined && timeoutMs === undefined && connectTimeoutMs === undefined)
        return 0;
      const milliseconds = (value) =>
        value === undefined || typeof value === 'number' ? value : Number.NaN;
      // What is no address is refused in the words for an entry that is none.
      const address = (entry) => (typeof entry === 'string' ? entry : typeof entry);
      const addresses = isArray(gateways) ? gateways.map(address).join(',') : address(gateways);
      const list = gateways === undefined ? undefined : addresses;
      return native.manner(list, milliseconds(timeoutMs), milliseconds(connectTimeoutMs));
    };

    const partsOf = (data, byAdministrator) => {
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

    const descriptionOf = (config, byAdministrator) => {
      try {
        return survey(config).description;
      } catch {
        throw complaint(where(), UNREADABLE, byAdministrator);
      }
    };

    // The ticket of a send that has started, or the error for which it has not.
    const launch = ({ data, config, byAdministrator, options, since }, traces) => {
      const { to, type, payload } = partsOf(data, byAdministrator);
      if (typeof to !== 'string') throw complaint('data.to', NOT_A_STRING, byAdministrator);
      if (typeof type !== 'string') throw complaint('data.type', NOT_A_STRING, byAdministrator);
      const description = descriptionOf(config, byAdministrator);
      const way = manner(options);
      const waited = since === undefined ? 0 : performance.now() - since;
      try {
        return native.send(to, type, payload, description, way, byAdministrator, traces, waited);
      } catch (error) {
        // A part of the payload that threw is told by its name.
        const told = native.fault();
        throw told ? failure(parse(told)) : error;
      }
    };

    const start = (send, context) =>
      new Promise((resolve, reject) => {
        try {
          const answer = launch(send, context !== undefined || log.enabled);
          if (typeof answer === 'string') throw failure(parse(answer));
          wait(answer, { resolve, reject, context });
        } catch (error) {
          const reason = error?.data?.reason ?? error?.code;
          if (context) Object.assign(context, { outcome: 'not_sent', reason });
          if (log.enabled) log(`not_sent (${reason})`);
          reject(error);
        }
      });

    const dispatch = (send) => {
      if (!channel.hasSubscribers) return start(send);
      const context = {};
      return channel.tracePromise(start, context, undefined, send, context);
    };

    // A `getConfig` that never answers must not keep somebody waiting at the sign-in page.
    const ask = (getConfig, options) => {
      const asked = getConfig(id);
      if (typeof asked?.then !== 'function') return asked;
      return new Promise((resolve, reject) => {
        const overdue = () => reject(complaint('config', OVERDUE, false));
        const timer = setTimeout(overdue, options.timeoutMs ?? totalMs);
        const stop = (settled) => (value) => {
          clearTimeout(timer);
          settled(value);
        };
        // What `then` itself throws is a rejection too, as it is to `await`.
        const fail = stop(reject);
        try {
          asked.then(stop(resolve), fail);
        } catch (error) {
          fail(error);
        }
      });
    };

    const safeParse = (value) => {
      const { description, data } = survey(value);
      const issues = native.guard(description);
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
      manner(options);
      return {
        metadata,
        type: 'Sms',
        configGuard,
        sendMessage: async (data, inputConfig) => {
          if (inputConfig !== undefined && inputConfig !== null) {
            return dispatch({ data, config: inputConfig, byAdministrator: true, options });
          }
          if (typeof getConfig !== 'function') throw complaint('getConfig', NOT_A_FUNCTION, false);
          const since = performance.now();
          const config = await ask(getConfig, options);
          return dispatch({ data, config, byAdministrator: false, options, since });
        },
      };
    };

    return {
      createConnector,
      sendMessage: async (data, config, options) =>
        dispatch({ data, config, byAdministrator: true, options }),
    };
  };

  return { string: String, surroundings, settle, join };
};

//# sourceURL=connector-smsaero-native/face.js

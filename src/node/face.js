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
        this.data = data;
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

  const kindOf = (value) => {
    if (isArray(value)) return 1;
    if (value.then && typeof value.then === 'function' && value.catch && typeof value.catch === 'function') return 2;
    if (value instanceof Map) return 3;
    if (value instanceof Set) return 4;
    if (value instanceof Date) return 5;
    return 0;
  };

  // What the connector takes over from Node: whom to trust, and the proxy to go through.
  const surroundings = () => {
    const { env } = process;
    const tls = process.getBuiltinModule('node:tls');
    const trusted = () => {
      const extra = env.NODE_EXTRA_CA_CERTS;
      const read = () => process.getBuiltinModule('node:fs').readFileSync(extra, 'utf8');
      return [...tls.rootCertificates, extra ? read() : ''];
    };
    return JSON.stringify({
      roots: (tls.getCACertificates ? tls.getCACertificates('default') : trusted()).join('\n'),
      proxy: env.https_proxy || env.HTTPS_PROXY || env.all_proxy || env.ALL_PROXY || '',
      noProxy: env.no_proxy || env.NO_PROXY || '',
    });
  };

  const failure = ({ code, data, issues }) => new ConnectorError(code, issues ? new ZodError(issues) : data);

  const { tracingChannel } = process.getBuiltinModule('node:diagnostics_channel');
  const { debuglog, format } = process.getBuiltinModule('node:util');
  const { setTimeout, clearTimeout, setInterval } = process.getBuiltinModule('node:timers');
  const { performance } = process.getBuiltinModule('node:perf_hooks');
  const channel = tracingChannel('connector-smsaero:send');
  const log = debuglog('smsaero');

  const line = ({ number, usageType, gateway, totalMs, outcome, reason, httpStatus, id, status, cost, parts, alphabet }) => {
    const seen = [reason, httpStatus && `HTTP ${httpStatus}`, id && `id ${id}, status ${status}, cost ${cost}`];
    const words = seen.filter(Boolean).join(', ');
    return format('%s to %s: %s (%s) by %s in %d ms, %d x %s', usageType, number, outcome, words, gateway, totalMs, parts, alphabet);
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

    // What was thrown while a part of the call was being read is told with the name of that part.
    const named = (run) => {
      try {
        return run();
      } catch (error) {
        const told = native.fault();
        throw told ? failure(parse(told)) : error;
      }
    };

    const written = (gateways) => (isArray(gateways) ? gateways.join(',') : gateways);
    const manner = (options) => {
      const gateways = options?.gateways ?? (process.env.SMSAERO_GATEWAYS || undefined);
      const timeoutMs = options?.timeoutMs ?? undefined;
      const connectTimeoutMs = options?.connectTimeoutMs ?? undefined;
      if (gateways === undefined && timeoutMs === undefined && connectTimeoutMs === undefined) return 0;
      return native.manner(written(gateways), timeoutMs, connectTimeoutMs);
    };

    const start = (data, config, byAdministrator, options, since, context) =>
      new Promise((resolve, reject) => {
        const waited = since === undefined ? 0 : performance.now() - since;
        const traces = context !== undefined || log.enabled;
        const answer = named(() => native.send(data, config, byAdministrator, manner(options), waited, traces));
        if (typeof answer === 'string') {
          const error = failure(parse(answer));
          const reason = error.data?.reason ?? error.code;
          if (context) Object.assign(context, { outcome: 'not_sent', reason });
          if (log.enabled) log(`not_sent (${reason})`);
          reject(error);
        } else {
          wait(answer, { resolve, reject, context });
        }
      });

    const dispatch = (data, config, byAdministrator, options, since) => {
      if (!channel.hasSubscribers) return start(data, config, byAdministrator, options, since);
      const context = {};
      return channel.tracePromise(start, context, undefined, data, config, byAdministrator, options, since, context);
    };

    // A `getConfig` that never answers must not keep somebody waiting at the sign-in page.
    const ask = (getConfig, options) => {
      const asked = getConfig(id);
      if (typeof asked?.then !== 'function') return asked;
      return new Promise((resolve, reject) => {
        const overdue = () => reject(failure(parse(native.complaint(true))));
        const timer = setTimeout(overdue, options.timeoutMs ?? totalMs);
        const stop = (settled) => (value) => {
          clearTimeout(timer);
          settled(value);
        };
        asked.then(stop(resolve), stop(reject));
      });
    };

    const safeParse = (value) => {
      const answer = native.guard(value);
      return typeof answer === 'string'
        ? { success: false, error: new ZodError(parse(answer)) }
        : { success: true, data: answer };
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
          if (inputConfig !== undefined && inputConfig !== null) return dispatch(data, inputConfig, true, options);
          if (typeof getConfig !== 'function') throw failure(parse(native.complaint(false)));
          const since = performance.now();
          return dispatch(data, await ask(getConfig, options), false, options, since);
        },
      };
    };

    return {
      createConnector,
      sendMessage: async (data, config, options) => dispatch(data, config, true, options),
    };
  };

  return { kindOf, spread: (value) => [...value], string: String, surroundings, settle, join };
};

//# sourceURL=connector-smsaero-native/face.js

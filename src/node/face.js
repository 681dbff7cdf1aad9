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

  const roots = () => {
    const tls = process.getBuiltinModule('node:tls');
    if (tls.getCACertificates) return tls.getCACertificates('default').join('\n');
    const extra = process.env.NODE_EXTRA_CA_CERTS;
    const read = () => process.getBuiltinModule('node:fs').readFileSync(extra, 'utf8');
    return [...tls.rootCertificates, extra ? read() : ''].join('\n');
  };

  const failure = ({ code, data, issues }) => new ConnectorError(code, issues ? new ZodError(issues) : data);

  // Sends that have not been settled, by ticket. They, and nothing else, keep the process alive.
  const waiting = new Map();
  let alive;
  const wait = (ticket, promise) => {
    if (waiting.size === 0) {
      alive ??= setInterval(() => {}, 0x7fffffff);
      alive.ref();
    }
    waiting.set(ticket, promise);
  };

  const settle = (batch) => {
    if (!batch) return;
    for (const [ticket, accepted, outcome] of parse(batch)) {
      const { resolve, reject } = waiting.get(ticket);
      waiting.delete(ticket);
      if (accepted) resolve(outcome);
      else reject(failure(outcome));
    }
    if (waiting.size === 0) alive.unref();
  };

  const join = (native, description) => {
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
    const route = (options) => {
      const gateways = options?.gateways ?? (process.env.SMSAERO_GATEWAYS || undefined);
      return gateways === undefined ? 0 : native.route(written(gateways));
    };

    const dispatch = (data, config, byAdministrator, options) =>
      new Promise((resolve, reject) => {
        const answer = named(() => native.send(data, config, byAdministrator, route(options)));
        if (typeof answer === 'string') reject(failure(parse(answer)));
        else wait(answer, { resolve, reject });
      });

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
      // A wrong list of gateways is told at once, not with the first message.
      route(options);
      return {
        metadata,
        type: 'Sms',
        configGuard,
        sendMessage: async (data, inputConfig) => {
          const byAdministrator = inputConfig !== undefined && inputConfig !== null;
          if (!byAdministrator && typeof getConfig !== 'function') {
            throw failure(parse(native.complaint('getConfig', false)));
          }
          return dispatch(data, byAdministrator ? inputConfig : await getConfig(id), byAdministrator, options);
        },
      };
    };

    return {
      createConnector,
      sendMessage: async (data, config, options) => dispatch(data, config, true, options),
    };
  };

  return { kindOf, spread: (value) => [...value], string: String, roots, settle, join };
};

//# sourceURL=connector-smsaero-native/face.js

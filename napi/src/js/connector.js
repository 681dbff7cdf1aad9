// `createConnector` and `sendMessage`: reads what a message needs and hands it to native code, which decides.
(function (parts) {
  'use strict';

  const { errors, trace, pending, guard, options: optionsHandle, native, metadata, totalMs } = parts;
  const { parse } = JSON;
  const { hasOwn } = Object;
  const toText = String;
  const { then } = Promise.prototype;
  const { setTimeout, clearTimeout } = process.getBuiltinModule('node:timers');
  const { hrtime } = process;
  const { id: connectorId } = metadata;

  const millisecondsSince = (since) => {
    const [seconds, nanoseconds] = hrtime(since);
    return seconds * 1e3 + nanoseconds / 1e6;
  };

  // `reader` is undefined for an administrator, and for somebody signing in the languages that are wanted.
  const argumentError = (field, problem, reader) =>
    errors.connectorError(parse(native.argumentError('sendMessage', field, problem, reader)));

  const readData = (data, reader) => {
    if (data === null || typeof data !== 'object') throw argumentError('data', 'not_an_object', reader);
    let field = 'to';
    try {
      const { to } = data;
      field = 'type';
      const { type } = data;
      field = 'payload';
      const { payload } = data;
      return { to, type, payload };
    } catch {
      throw argumentError(`data.${field}`, 'threw', reader);
    }
  };

  // The languages that a payload asks for, most wanted first; own properties only, as everywhere.
  const languagesOf = (payload, reader) => {
    const languages = [];
    if (payload === null || typeof payload !== 'object') return '';
    for (const key of ['uiLocales', 'locale']) {
      try {
        const value = hasOwn(payload, key) ? payload[key] : undefined;
        if (typeof value === 'string') languages.push(value);
      } catch {
        throw argumentError(`data.payload.${key}`, 'threw', reader);
      }
    }
    return languages.join(' ');
  };

  // Only the sentence of an error depends on it: what cannot be read is no reason not to send.
  const endUser = (payloadOf) => {
    try {
      return languagesOf(payloadOf(), '');
    } catch {
      return '';
    }
  };

  // What stands in a text for a variable: `undefined` when the payload has no such key, and the variable stays.
  const textOf = (payload, keys) => {
    if (!hasOwn(payload, keys[0])) return undefined;
    let value = payload;
    for (const key of keys) {
      if (value === null || typeof value !== 'object' || !hasOwn(value, key)) return '';
      value = value[key];
    }
    return value === undefined || value === null ? '' : toText(value);
  };

  const valuesOf = (payload, variables, reader) => {
    const isObject = typeof payload === 'function' || (typeof payload === 'object' && payload);
    if (!isObject && variables.length > 0) throw argumentError('data.payload', 'not_an_object', reader);
    return variables.map(({ path, keys }) => {
      try {
        return textOf(payload, keys);
      } catch {
        throw argumentError(`data.payload.${path}`, 'threw', reader);
      }
    });
  };

  // A send as native code reads it: each field with its length before it, and a minus for a variable that stays. One
  // string crosses to native code in a third of the time that an object with as many properties takes.
  const field = (text) => `${text.length}:${text}`;
  const encode = (fields) => {
    let encoded = '';
    for (const text of fields) encoded += text === undefined ? '-' : field(text);
    return encoded;
  };

  // Hands a send to native code, or throws the error for which it cannot.
  const handOver = (send) => {
    const { data, config, byAdministrator } = send;
    const { to, type, payload } = readData(data, byAdministrator ? undefined : '');
    const reader = byAdministrator ? undefined : endUser(() => payload);
    if (typeof to !== 'string') throw argumentError('data.to', 'not_a_string', reader);
    if (typeof type !== 'string') throw argumentError('data.type', 'not_a_string', reader);
    const prepared = guard.prepare(config, reader);
    const languages = () => languagesOf(payload, reader);
    const { template, variables, error } = guard.choose(prepared, type, languages);
    if (error) throw errors.connectorError(error);
    const values = valuesOf(payload, variables, reader);
    const waitedUs = send.since === undefined ? 0 : Math.round(millisecondsSince(send.since) * 1e3);
    const fields = [`${template}`, `${waitedUs}`, trace.isWanted(send) ? 't' : '', reader, to, type];
    const rest = encode(fields) + encode(values);
    pending.handOver(send, (id) => native.send(prepared.handle, send.options, field(`${id}`) + rest));
  };

  // Ends with `resolve` or `reject` of the send, whatever happens.
  const launch = (send) => {
    try {
      handOver(send);
    } catch (error) {
      fail(send, error);
    }
  };

  const fail = (send, error, configFailed) => {
    send.reject(error);
    if (!trace.isWanted(send)) return;
    trace.record(send, { outcome: 'not_sent', reason: trace.reasonOf(error), configFailed });
  };

  const start = (send) =>
    new Promise((resolve, reject) => {
      send.resolve = resolve;
      send.reject = reject;
      if (send.getConfig === undefined) launch(send);
      else ask(send);
    });

  // Asks Logto for the configuration first. A `getConfig` that never answers must not keep somebody waiting at the sign-in
  // page, and what it says too late sends nothing.
  const ask = (send) => {
    const { data, getConfig, patienceMs } = send;
    const reader = () => endUser(() => data.payload);
    if (typeof getConfig !== 'function') return fail(send, argumentError('getConfig', 'not_a_function', reader()));
    send.since = hrtime();
    let timer;
    const isFirst = () => {
      if (send.configMs !== undefined) return false;
      clearTimeout(timer);
      send.configMs = Math.round(millisecondsSince(send.since) * 1e3) / 1e3;
      return true;
    };
    const go = (config) => {
      if (!isFirst()) return;
      send.config = config;
      launch(send);
    };
    const failed = (error) => {
      if (isFirst()) fail(send, error, true);
    };
    try {
      const asked = Promise.resolve(getConfig(connectorId));
      timer = setTimeout(() => {
        if (isFirst()) fail(send, errors.connectorError(parse(native.configOverdue(reader()))));
      }, patienceMs);
      // As `await` would do it, whatever `then` somebody gave the promise.
      Reflect.apply(then, asked, [go, failed]);
    } catch (error) {
      failed(error);
    }
  };

  const sendOf = (data, config, byAdministrator, options) => ({
    data,
    config,
    byAdministrator,
    options,
    getConfig: undefined,
    patienceMs: undefined,
    since: undefined,
    configMs: undefined,
    context: undefined,
    resolve: undefined,
    reject: undefined,
  });

  const createConnector = async (options) => {
    if (options === null || typeof options !== 'object') {
      throw new TypeError('createConnector takes an object with the function `getConfig` in it.');
    }
    const { getConfig } = options;
    // Options that cannot be used are refused at once, not with the first message.
    const handle = optionsHandle(options);
    const patienceMs = options.timeoutMs ?? totalMs;
    const sendMessage = (data, inputConfig) => {
      if (inputConfig !== undefined && inputConfig !== null)
        return trace.start(sendOf(data, inputConfig, true, handle), start);
      const send = sendOf(data, undefined, false, handle);
      // Asked even where it is not a function, which `ask` says.
      send.getConfig = getConfig ?? null;
      send.patienceMs = patienceMs;
      return trace.start(send, start);
    };
    return { metadata, type: 'Sms', configGuard: guard.configGuard, sendMessage };
  };

  // For the command line: what it asks, with the settings that messages are sent with.
  const diagnose = (question) =>
    new Promise((resolve, reject) => pending.handOver({ resolve, reject }, (id) => native.diagnose(id, question)));

  return {
    createConnector,
    diagnose,
    sendMessage: async (data, config, options) =>
      trace.start(sendOf(data, config, true, optionsHandle(options)), start),
  };
});

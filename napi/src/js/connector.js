// `createConnector` and `sendMessage`: reads what a message needs and hands it to native code, which decides.
(function (parts) {
  'use strict';

  const { errors, trace, pending, guard, options: optionsHandle, native, metadata, totalMs, time } = parts;
  const { parse } = JSON;
  const { hasOwn } = Object;
  const toText = String;
  const { then } = Promise.prototype;
  const { setTimeout, clearTimeout } = time;
  const { AsyncResource } = process.getBuiltinModule('node:async_hooks');
  const { clock, fail } = pending;
  const { id: connectorId } = metadata;
  const { mostCharacters } = native;

  // `reader` is undefined for an administrator, and for somebody signing in the languages that are wanted.
  const argumentError = (field, problem, reader) =>
    errors.connectorError(parse(native.argumentError('sendMessage', field, problem, reader)));

  const readData = function (data, reader) {
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
  const languagesOf = function (payload, reader) {
    if (payload === null || typeof payload !== 'object') return '';
    const wanted = languageOf(payload, 'uiLocales', reader);
    return `${wanted} ${languageOf(payload, 'locale', reader)}`;
  };
  const languageOf = function (payload, key, reader) {
    try {
      const value = hasOwn(payload, key) ? payload[key] : undefined;
      // A wish so long is none.
      return typeof value === 'string' && value.length <= mostCharacters ? value : '';
    } catch {
      throw argumentError(`data.payload.${key}`, 'threw', reader);
    }
  };

  // Who reads an error, where it is somebody signing in. Only the sentence depends on it: what cannot be read is no reason not
  // to send.
  const endUser = function (payload) {
    try {
      return languagesOf(payload, '');
    } catch {
      return '';
    }
  };
  const endUserOf = (data) => {
    try {
      return endUser(data.payload);
    } catch {
      return '';
    }
  };

  // What stands in a text for a variable: `undefined` when the payload has no such key, and the variable stays.
  const textOf = function (payload, keys) {
    if (!hasOwn(payload, keys[0])) return undefined;
    let value = payload;
    for (let index = 0; index < keys.length; index += 1) {
      if (value === null || typeof value !== 'object' || !hasOwn(value, keys[index])) return '';
      value = value[keys[index]];
    }
    return value === undefined || value === null ? '' : toText(value);
  };

  // A send as native code reads it: each field with its length before it, and a minus for a variable that stays. One
  // string crosses to native code in a third of the time that an object with as many properties takes.
  const field = function (text) {
    return text === undefined ? '-' : `${text.length}:${text}`;
  };

  const valuesOf = function (payload, variables, reader) {
    const isObject = typeof payload === 'function' || (typeof payload === 'object' && payload);
    if (!isObject && variables.length > 0) throw argumentError('data.payload', 'not_an_object', reader);
    let values = field(`${variables.length}`);
    let characters = 0;
    for (let index = 0; index < variables.length; index += 1) {
      const variable = variables[index];
      let text;
      try {
        text = textOf(payload, variable.keys);
      } catch {
        throw argumentError(`data.payload.${variable.path}`, 'threw', reader);
      }
      // Refused before it is copied.
      characters += text?.length ?? 0;
      if (characters > mostCharacters) throw errors.connectorError(parse(native.textTooLong(reader)));
      values += field(text);
    }
    return values;
  };

  const checkText = function (text, name, reader) {
    if (typeof text !== 'string') throw argumentError(name, 'not_a_string', reader);
    if (text.length > mostCharacters) throw argumentError(name, 'too_long', reader);
  };

  // Hands a send to native code, or throws the error for which it cannot.
  const handOver = function (send) {
    const { data, config, byAdministrator } = send;
    const { to, type, payload } = readData(data, byAdministrator ? undefined : '');
    const reader = byAdministrator ? undefined : endUser(payload);
    checkText(to, 'data.to', reader);
    checkText(type, 'data.type', reader);
    const prepared = guard.prepare(config, reader);
    const { template, variables, error } = guard.choose(prepared, type, payload, languagesOf, reader);
    if (error) throw errors.connectorError(error);
    const values = valuesOf(payload, variables, reader);
    const waited = field(`${send.waitedUs}`);
    const isTraced = trace.isWanted(send) ? '1:t' : '0:';
    send.id ??= pending.add(send);
    const head = `${field(`${send.id}`)}${field(`${template}`)}${waited}${isTraced}`;
    const text = `${head}${field(reader)}${field(to)}${field(type)}${values}`;
    // Garbage from now on, before the collector has it copied once or twice.
    send.data = undefined;
    send.config = undefined;
    pending.queue(send.id, prepared.handle, send.options, text, native.send);
  };

  // Ends with `resolve` or `reject` of the send, whatever happens.
  const launch = function (send) {
    try {
      handOver(send);
    } catch (error) {
      fail(send, error);
    }
  };

  // Starts a send, and asks Logto for its configuration first where it has none. A `getConfig` that never answers must not keep
  // somebody waiting at the sign-in page, and what it says too late sends nothing. One function, since V8 would optimize
  // each of several with all that it calls.
  const start = function (send) {
    const promise = new Promise((resolve, reject) => {
      send.resolve = resolve;
      send.reject = reject;
    });
    const { getConfig } = send;
    if (getConfig === undefined) {
      launch(send);
      return promise;
    }
    if (typeof getConfig !== 'function') {
      fail(send, errorOf(send, notAFunction));
      return promise;
    }
    send.since = clock();
    send.id = pending.add(send);
    try {
      // As `await` would do it, whatever `then` somebody gave the promise.
      Reflect.apply(then, Promise.resolve(getConfig(connectorId)), [
        (config) => {
          if (!isAnswered(send)) return;
          send.config = config;
          launch(send);
        },
        (error) => {
          if (isAnswered(send)) fail(send, error, true);
        },
      ]);
      watch(send);
      if (!isWarm) warmUp(send.options);
    } catch (error) {
      if (isAnswered(send)) fail(send, error, true);
    }
    return promise;
  };
  const notAFunction = (reader) => argumentError('getConfig', 'not_a_function', reader);
  const overdue = (reader) => errors.connectorError(parse(native.configOverdue(reader)));
  const errorOf = ({ data }, make) => {
    try {
      return make(endUserOf(data));
    } catch (thrown) {
      // By the host's own class, where nobody else would catch it.
      return thrown;
    }
  };

  // While Logto looks up the first configuration.
  let isWarm = false;
  const warmUp = function (options) {
    isWarm = true;
    try {
      native.warmUp(options);
    } catch {
      // The send will say it.
    }
  };

  // Whether this is the first that is heard of the configuration.
  const isAnswered = function (send) {
    if (send.configMs !== undefined) return false;
    send.waitedUs = Math.round(clock() - send.since);
    send.configMs = send.waitedUs / 1e3;
    return true;
  };

  // One timer for all that wait for their configuration, since as a rule it is there at once. It is armed again while sends go on
  // coming, so it must not keep the asynchronous context of the first.
  const context = new AsyncResource('SMSAERO');
  let timer;
  let dueUs;
  const watch = function (send) {
    const due = send.since + send.patienceMs * 1e3;
    if (timer !== undefined && dueUs <= due) return;
    arm(due);
  };
  const arm = function (due) {
    clearTimeout(timer);
    dueUs = due;
    timer = context.runInAsyncScope(setTimeout, undefined, giveUp, Math.ceil((due - clock()) / 1e3));
    // The sends keep the process alive.
    timer.unref();
  };
  const giveUp = () => {
    timer = undefined;
    const now = clock();
    let next;
    for (const send of [...pending.sends]) {
      if (send?.since === undefined || send.configMs !== undefined) continue;
      const due = send.since + send.patienceMs * 1e3;
      if (due > now) next = Math.min(next ?? due, due);
      else if (isAnswered(send)) fail(send, errorOf(send, overdue));
    }
    if (next !== undefined) arm(next);
  };

  const sendOf = function (data, config, byAdministrator, options) {
    return {
      data,
      config,
      byAdministrator,
      options,
      id: undefined,
      getConfig: undefined,
      patienceMs: undefined,
      since: undefined,
      waitedUs: 0,
      configMs: undefined,
      context: undefined,
      resolve: undefined,
      reject: undefined,
    };
  };

  const createConnector = async (options) => {
    if (options === null || typeof options !== 'object') {
      throw new TypeError('createConnector takes an object with the function `getConfig` in it.');
    }
    const { getConfig } = options;
    // Options that cannot be used are refused at once, not with the first message.
    const handle = optionsHandle(options);
    const patienceMs = options.timeoutMs ?? totalMs;
    const sendMessage = (data, inputConfig) => {
      const byAdministrator = inputConfig !== undefined && inputConfig !== null;
      const send = sendOf(data, inputConfig, byAdministrator, handle);
      if (!byAdministrator) {
        // Asked even where it is not a function, which `start` says.
        send.getConfig = getConfig ?? null;
        send.patienceMs = patienceMs;
      }
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

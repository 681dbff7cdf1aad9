// Reads a configuration for native code, which judges it, and makes the guard that Logto asks.
(function (errors, native) {
  'use strict';

  const { parse } = JSON;
  const { isArray } = Array;
  // More choices than the nine usage types in a few languages are not remembered.
  const CHOICES = 64;

  // Zod's order of reading, which getters and proxies can observe.
  const objectTag = (value) => {
    if (isArray(value)) return 'a';
    if (value.then && typeof value.then === 'function' && value.catch && typeof value.catch === 'function') return 'p';
    if (value instanceof Map) return 'm';
    if (value instanceof Set) return 'S';
    if (value instanceof Date) return 'd';
    return 'o';
  };
  const tagOf = (value) => {
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
        return value === null ? 'n' : objectTag(value);
    }
  };

  // A walk through a configuration compares what it finds with the parts of the one that was prepared last, and keeps
  // parts of its own only from the first difference on.
  const add = (walk, part) => {
    const { parts, index } = walk;
    walk.index += 1;
    if (walk.isSame) {
      if (parts[index] === part && index < parts.length) return;
      walk.isSame = false;
      walk.parts = parts.slice(0, index);
    }
    walk.parts.push(part);
  };
  // Adds what the guard may know of a value: its tag, and of a string the characters after it.
  const addValue = (walk, value) => {
    const tag = tagOf(value);
    add(walk, tag);
    if (tag === 's') add(walk, value);
    return tag;
  };
  const close = (walk, tag) => {
    if (tag === 'o' || tag === 'a') add(walk, '.');
  };
  // The same of a value of which nothing more is asked.
  const addWhole = (walk, value) => close(walk, addValue(walk, value));

  // Reads the keys that native code knows, in the order in which it expects them, and gathers them, if it is given where
  // to, as the guard hands them back. Everything is read once and in zod's order, which asks with `has` after it reads,
  // as a proxy may notice; keys of our own are not asked of an object that lacks them. `walk.reading` and `walk.place`
  // say where it is, for the sentence when that throws.
  const readConfig = (walk, config, data) => {
    const tag = addValue(walk, config);
    if (tag !== 'o') return close(walk, tag);
    walk.reading = 'email';
    const { email } = config;
    addWhole(walk, email);
    Reflect.has(config, 'email');
    walk.reading = 'apiKey';
    const { apiKey } = config;
    addWhole(walk, apiKey);
    Reflect.has(config, 'apiKey');
    walk.reading = 'senderName';
    const { senderName } = config;
    addWhole(walk, senderName);
    Reflect.has(config, 'senderName');
    if (data) Object.assign(data, { email, apiKey, senderName, templates: undefined });
    walk.reading = 'templates';
    readTemplates(walk, config.templates, data);
    Reflect.has(config, 'templates');
    walk.reading = 'fallbackToGeneric';
    const fallbackToGeneric = 'fallbackToGeneric' in config ? config.fallbackToGeneric : undefined;
    addWhole(walk, fallbackToGeneric);
    if (data && fallbackToGeneric !== undefined) data.fallbackToGeneric = fallbackToGeneric;
    walk.reading = 'testMode';
    const testMode = 'testMode' in config ? config.testMode : undefined;
    addWhole(walk, testMode);
    if (data && testMode !== undefined) data.testMode = testMode;
    walk.reading = 'allowedPrefixes';
    const allowedPrefixes = 'allowedPrefixes' in config ? config.allowedPrefixes : undefined;
    readPrefixes(walk, allowedPrefixes, data);
    add(walk, '.');
  };

  const readTemplates = (walk, value, data) => {
    if (data) data.templates = value;
    const tag = addValue(walk, value);
    if (tag !== 'a') return close(walk, tag);
    const templates = [...value];
    for (let place = 0; place < templates.length; place += 1) {
      walk.place = place;
      const kept = readTemplate(walk, templates[place], data);
      if (data) templates[place] = kept;
    }
    walk.place = undefined;
    if (data) data.templates = templates;
    add(walk, '.');
  };

  const readTemplate = (walk, value, data) => {
    walk.reading = undefined;
    const tag = addValue(walk, value);
    if (tag !== 'o') {
      close(walk, tag);
      return value;
    }
    walk.reading = 'usageType';
    const { usageType } = value;
    addWhole(walk, usageType);
    Reflect.has(value, 'usageType');
    walk.reading = 'content';
    const { content } = value;
    addWhole(walk, content);
    Reflect.has(value, 'content');
    walk.reading = 'locale';
    const locale = 'locale' in value ? value.locale : undefined;
    addWhole(walk, locale);
    add(walk, '.');
    if (!data) return value;
    return locale === undefined ? { usageType, content } : { usageType, content, locale };
  };

  const readPrefixes = (walk, value, data) => {
    const tag = addValue(walk, value);
    if (tag !== 'a') {
      if (data && value !== undefined) data.allowedPrefixes = value;
      return close(walk, tag);
    }
    const prefixes = [...value];
    if (data) data.allowedPrefixes = prefixes;
    for (const prefix of prefixes) addWhole(walk, prefix);
    add(walk, '.');
  };

  const snapshotOf = (parts) => {
    let snapshot = '';
    for (let index = 0; index < parts.length; index += 1) {
      snapshot += parts[index];
      if (parts[index] === 's') {
        index += 1;
        snapshot += `${parts[index].length}:${parts[index]}`;
      }
    }
    return snapshot;
  };

  // The configuration that was judged last: its parts, and the error that it is, or its handle once there was something
  // to send by it. While the same comes again, nothing is judged.
  let last = { parts: [], error: undefined, handle: undefined, choices: undefined };

  // `judge` is a native function that takes a snapshot.
  const judgeFrom = (walk, config, judge, data) => {
    const { parts } = walk;
    readConfig(walk, config, data);
    if (walk.isSame && walk.index === parts.length) return walk.judged;
    const all = walk.isSame ? parts.slice(0, walk.index) : walk.parts;
    last = judged(all, judge(snapshotOf(all)));
    return last;
  };

  const judged = (parts, judgement) => {
    const error = typeof judgement === 'string' ? judgement : undefined;
    const handle = error === undefined && judgement !== null ? judgement : undefined;
    return { parts, error, handle, choices: handle && new Map() };
  };

  const walkFrom = (judged) => ({
    judged,
    parts: judged.parts,
    index: 0,
    isSame: true,
    reading: undefined,
    place: undefined,
  });

  // Prepares a configuration to send by; throws the error of one that cannot be read or is not valid.
  const prepare = (config, reader) => {
    const walk = walkFrom(last);
    let prepared;
    try {
      prepared = judgeFrom(walk, config, native.prepare);
    } catch {
      const template = walk.place === undefined ? '' : `.templates[${walk.place}]`;
      const key = walk.reading ? `.${walk.reading}` : '';
      throw errors.connectorError(parse(native.configError(`config${template}${key}`, reader)));
    }
    if (prepared.error) throw errors.connectorError(parse(prepared.error));
    if (prepared.handle) return prepared;
    // Until now there was only a guard for it.
    last = judged(prepared.parts, native.prepare(snapshotOf(prepared.parts)));
    return last;
  };

  // Prepares an account to send or to ask by, as a configuration is read, since one will do. Throws the error of the part
  // that is wrong, in the words for the function `call`.
  const prepareAccount = (account, call) => {
    const walk = { parts: [], index: 0, isSame: false, reading: undefined, place: undefined };
    let prepared;
    try {
      readConfig(walk, account);
      prepared = native.account(call, snapshotOf(walk.parts));
    } catch {
      const field = `account${walk.reading ? `.${walk.reading}` : ''}`;
      throw errors.connectorError(parse(native.argumentError(call, field, 'threw')));
    }
    if (typeof prepared === 'string') throw errors.connectorError(parse(prepared));
    return prepared;
  };

  const toChoice = (answer) => {
    const choice = parse(answer);
    // Each path with its keys, ready to be looked up.
    choice.variables &&= choice.variables.map((path) => ({ path, keys: path.split('.') }));
    return choice;
  };

  // The template for a usage type, and the variables that it names. `languages` is asked for only where they matter.
  const choose = ({ handle, choices }, type, languages) => {
    const remembered = (key, wanted) => {
      let choice = choices.get(key);
      if (choice === undefined) {
        choice = toChoice(native.choose(handle, type, wanted));
        if (choices.size >= CHOICES) choices.clear();
        choices.set(key, choice);
      }
      return choice;
    };
    const choice = remembered(type);
    if (!choice.dependsOnLanguages) return choice;
    const wanted = languages();
    return remembered(`${wanted}\n${type}`, wanted);
  };

  const safeParse = (value) => {
    const data = {};
    const { error } = judgeFrom(walkFrom(last), value, native.check, data);
    return error ? { success: false, error: errors.zodError(parse(error).issues) } : { success: true, data };
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

  return { prepare, prepareAccount, choose, configGuard };
});

// Reads a configuration for native code, which judges it, and makes the guard that Logto asks.
(function (errors, native) {
  'use strict';

  const { parse } = JSON;
  const { isArray } = Array;
  // More choices than the nine usage types in a few languages are not remembered.
  const CHOICES = 64;
  // What was read of an object of which nothing more is asked, one for each kind that zod tells apart. Native code knows them
  // by their descriptions.
  const [ARRAY, PROMISE, MAP, SET, DATE, OBJECT] = ['a.', 'p', 'm', 'S', 'd', 'o.'].map((tag) => Symbol(tag));
  const KINDS = new Set([ARRAY, PROMISE, MAP, SET, DATE, OBJECT]);
  const TEMPLATE_KEYS = ['usageType', 'content', 'locale'];

  // Zod's order of reading, which getters and proxies can observe.
  const kindOfObject = function (value) {
    if (isArray(value)) return ARRAY;
    if (value.then && typeof value.then === 'function' && value.catch && typeof value.catch === 'function')
      return PROMISE;
    if (value instanceof Map) return MAP;
    if (value instanceof Set) return SET;
    if (value instanceof Date) return DATE;
    return OBJECT;
  };
  const kindOf = function (value) {
    return typeof value === 'object' && value !== null ? kindOfObject(value) : value;
  };

  // Zod asks with `in` after it reads, as a proxy may notice.
  const notice = () => {};

  // Reads the keys that native code knows, in the order in which it expects them, once and in zod's order, and puts what is
  // there into `read`; keys of our own are not asked of an object that lacks them.
  const readConfig = function (read, config) {
    const kind = kindOf(config);
    read.push(kind);
    if (kind !== OBJECT) return;
    const email = kindOf(config.email);
    notice('email' in config);
    read.push(email);
    const apiKey = kindOf(config.apiKey);
    notice('apiKey' in config);
    read.push(apiKey);
    const senderName = kindOf(config.senderName);
    notice('senderName' in config);
    read.push(senderName);
    readArray(read, config.templates, readTemplate);
    read.push('templates' in config);
    read.push('fallbackToGeneric' in config ? kindOf(config.fallbackToGeneric) : undefined);
    read.push('testMode' in config ? kindOf(config.testMode) : undefined);
    readArray(read, 'allowedPrefixes' in config ? config.allowedPrefixes : undefined, readPrefix);
  };

  const readArray = function (read, value, readElement) {
    const kind = kindOf(value);
    read.push(kind);
    if (kind !== ARRAY) return;
    const elements = [...value];
    read.push(elements.length);
    for (let index = 0; index < elements.length; index += 1) readElement(read, elements[index]);
  };

  const readTemplate = function (read, value) {
    const kind = kindOf(value);
    read.push(kind);
    if (kind !== OBJECT) return;
    const usageType = kindOf(value.usageType);
    notice('usageType' in value);
    read.push(usageType);
    const content = kindOf(value.content);
    notice('content' in value);
    read.push(content);
    read.push('locale' in value ? kindOf(value.locale) : undefined);
  };

  const readPrefix = (read, value) => read.push(kindOf(value));

  const isSame = function (read, known) {
    if (read.length !== known.length) return false;
    for (let index = 0; index < read.length; index += 1) if (read[index] !== known[index]) return false;
    return true;
  };

  // A value as native code reads it: its tag, and of a string the characters after it.
  const tagged = function (value, most) {
    switch (typeof value) {
      case 'string':
        return value.length > most ? tagged(value.slice(0, most + 1)) : `s${value.length}:${value}`;
      case 'undefined':
        return 'u';
      case 'boolean':
        return value ? 't' : 'f';
      case 'number':
        return Number.isNaN(value) ? 'N' : '#';
      case 'bigint':
        return 'b';
      case 'symbol':
        return KINDS.has(value) ? value.description : 'y';
      case 'function':
        return 'F';
      default:
        return 'n';
    }
  };

  // What was read as native code reads it, in one string, and the path of what was to be read next. Strings may be cut off
  // behind `most` characters.
  const describe = function (read, most) {
    let at = 0;
    let text = '';
    let unread;
    const take = (path) => {
      if (at >= read.length) unread ??= path;
      at += 1;
      return read[at - 1];
    };
    // Of what has been `opened`, the inside was read too, and stands before the mark of its end.
    const one = (path, opened, longest = most) => {
      const value = take(path);
      text += value === opened && opened !== undefined ? value.description[0] : tagged(value, longest);
      return value;
    };
    const list = (path, element) => {
      if (one(path, ARRAY) !== ARRAY) return;
      const count = take(path);
      for (let index = 0; index < count; index += 1) element(index);
      text += '.';
    };
    if (one('', OBJECT) === OBJECT) {
      for (const key of ['email', 'apiKey', 'senderName']) one(`.${key}`);
      list('.templates', (index) => {
        const path = `.templates[${index}]`;
        if (one(path, OBJECT) !== OBJECT) return;
        // A text that is too long to be sent is known by one character more.
        for (const key of TEMPLATE_KEYS) one(`${path}.${key}`, undefined, native.mostCharacters);
        text += '.';
      });
      take('.templates');
      for (const key of ['fallbackToGeneric', 'testMode']) one(`.${key}`);
      list('.allowedPrefixes', () => one('.allowedPrefixes'));
      text += '.';
    }
    return { text, unread };
  };

  // What the guard hands back of a configuration that is valid: the very values, as zod does.
  const dataOf = (read) => {
    const [, email, apiKey, senderName, , count] = read;
    const templates = [];
    let at = 6;
    for (; templates.length < count; at += 4) {
      const [usageType, content, locale] = [read[at + 1], read[at + 2], read[at + 3]];
      templates.push(locale === undefined ? { usageType, content } : { usageType, content, locale });
    }
    const [fallbackToGeneric, testMode, prefixes] = [read[at + 1], read[at + 2], read[at + 3]];
    const data = { email, apiKey, senderName, templates };
    if (fallbackToGeneric !== undefined) data.fallbackToGeneric = fallbackToGeneric;
    if (testMode !== undefined) data.testMode = testMode;
    if (prefixes !== undefined) data.allowedPrefixes = prefixes === ARRAY ? read.slice(at + 5) : prefixes;
    return data;
  };

  // The configuration that was judged last: what was read of it, and the error that it is, or its handle once there was
  // something to send by it. While the same comes again, nothing is judged.
  const judged = function (read, judgement) {
    const error = typeof judgement === 'string' ? judgement : undefined;
    const handle = error === undefined && judgement !== null ? judgement : undefined;
    return { read, error, handle, choices: handle && new Map() };
  };
  let last = judged([], null);
  // What has no templates is not worth forgetting a configuration for: by its description, if that is short.
  const nonsense = new Map();
  const NONSENSE_LENGTH = 9;
  const NONSENSE_CHARACTERS = 64;

  // `ask` is a native function that takes a description.
  const judge = function (read, ask) {
    if (isSame(read, last.read)) return last;
    const { text } = describe(read);
    if (read.length > NONSENSE_LENGTH) {
      last = judged(read, ask(text));
      return last;
    }
    const known = nonsense.get(text);
    if (known !== undefined) return known;
    const found = judged(read, ask(text));
    if (nonsense.size >= CHOICES) nonsense.clear();
    if (text.length <= NONSENSE_CHARACTERS) nonsense.set(text, found);
    return found;
  };

  // Prepares a configuration to send by; throws the error of one that cannot be read or is not valid.
  const prepare = function (config, reader) {
    const read = [];
    try {
      readConfig(read, config);
    } catch {
      throw errors.connectorError(parse(native.configError(`config${describe(read).unread}`, reader)));
    }
    const prepared = judge(read, native.prepare);
    if (prepared.error) throw errors.connectorError(parse(prepared.error));
    if (prepared.handle) return prepared;
    // Until now there was only a guard for it.
    last = judged(read, native.prepare(describe(read).text));
    return last;
  };

  // Prepares an account to send or to ask by, as a configuration is read, since one will do. Throws the error of the part
  // that is wrong, in the words for the function `call`.
  const prepareAccount = (account, call) => {
    const read = [];
    try {
      readConfig(read, account);
    } catch {
      const field = `account${describe(read).unread}`;
      throw errors.connectorError(parse(native.argumentError(call, field, 'threw')));
    }
    const prepared = native.account(call, describe(read, native.mostCharacters).text);
    if (typeof prepared === 'string') throw errors.connectorError(parse(prepared));
    return prepared;
  };

  const toChoice = function (answer) {
    const choice = parse(answer);
    // Each path with its keys, ready to be looked up.
    choice.variables &&= choice.variables.map((path) => ({ path, keys: path.split('.') }));
    return choice;
  };

  // The template for a usage type, and the variables that it names. `languagesOf` is asked only where they matter.
  const choose = function (prepared, type, payload, languagesOf, reader) {
    const choice = prepared.choices.get(type) ?? remember(prepared, type, type);
    if (!choice.dependsOnLanguages) return choice;
    const wanted = languagesOf(payload, reader);
    const key = `${wanted}\n${type}`;
    return prepared.choices.get(key) ?? remember(prepared, key, type, wanted);
  };
  const remember = function ({ handle, choices }, key, type, wanted) {
    const choice = toChoice(native.choose(handle, type, wanted));
    if (choices.size >= CHOICES) choices.clear();
    choices.set(key, choice);
    return choice;
  };

  // Zod, too, makes the error when it is asked for: to capture a stack costs more than all else.
  const failure = (error) => {
    let made;
    return {
      success: false,
      get error() {
        made ??= errors.zodError(parse(error).issues);
        return made;
      },
    };
  };
  const safeParse = (value) => {
    const read = [];
    readConfig(read, value);
    const { error } = judge(read, native.check);
    return error ? failure(error) : { success: true, data: dataOf(read) };
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
        const result = safeParse(value);
        return result.success ? { value: result.data } : { issues: result.error.issues };
      },
    },
  };

  return { prepare, prepareAccount, choose, configGuard };
});

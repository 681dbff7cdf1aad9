// Values are described by plain data and built when a property runs: a counterexample can be read, and a value that
// no printer survives never reaches one.

import vm from 'node:vm';
import fc from 'fast-check';

// Each throws something of its own, so that a test sees which one came first. Not everything thrown is an Error.
const errorBomb = () => {
  const thrown = new Error('thrown by the value itself');
  return () => {
    throw thrown;
  };
};
const oddBomb = () => {
  const thrown = Object.freeze({ thrown: 'by the value itself' });
  return () => {
    throw thrown;
  };
};

const define = (target, key, descriptor) =>
  Object.defineProperty(target, key, { enumerable: true, configurable: true, ...descriptor });

const plain = (entries, target = {}) => {
  for (const [key, value] of entries) define(target, key, { value, writable: true });
  return target;
};

const objects = {
  plain: (entries) => plain(entries),
  'no prototype': (entries) => plain(entries, Object.create(null)),
  inherited: (entries) => Object.create(plain(entries)),
  'half inherited': (entries) => plain(entries.slice(1), Object.create(plain(entries.slice(0, 1)))),
  frozen: (entries) => Object.freeze(plain(entries)),
  'own getters': (entries) => entries.reduce((target, [key, value]) => define(target, key, { get: () => value }), {}),
  'hidden properties': (entries) =>
    entries.reduce((target, [key, value]) => define(target, key, { value, enumerable: false }), {}),
  instance: (entries) => {
    class Settings {}
    for (const [key, value] of entries) define(Settings.prototype, key, { get: () => value });
    return new Settings();
  },
  proxy: (entries) => new Proxy(plain(entries), {}),
  'proxy that knows its keys': (entries) => {
    const explode = errorBomb();
    const get = (target, key, receiver) =>
      key in target || key === 'then' ? Reflect.get(target, key, receiver) : explode();
    return new Proxy(plain(entries), { get });
  },
  'foreign realm': (entries) => plain(entries, vm.runInContext('({})', elsewhere)),
};

const throwingObjects = {
  'throwing getter': (entries) => {
    const [last] = entries.at(-1) ?? ['email'];
    return define(plain(entries), last, { get: oddBomb() });
  },
  'throwing proxy': (entries) => {
    const [first] = entries[0] ?? ['email'];
    const explode = errorBomb();
    const get = (target, key, receiver) => (key === first ? explode() : Reflect.get(target, key, receiver));
    return new Proxy(plain(entries), { get });
  },
  'proxy that hides its keys': (entries) => new Proxy(plain(entries), { has: errorBomb() }),
  'proxy that hides its prototype': (entries) => new Proxy(plain(entries), { getPrototypeOf: oddBomb() }),
};

const arrays = {
  plain: (items) => items,
  frozen: (items) => Object.freeze(items),
  sparse: (items) =>
    items.reduce((target, item, index) => {
      if (item !== undefined) target[index] = item;
      return target;
    }, new Array(items.length)),
  subclass: (items) => Object.setPrototypeOf(items, class extends Array {}.prototype),
  proxy: (items) => new Proxy(items, {}),
  'proxy of a proxy': (items) => new Proxy(new Proxy(items, {}), {}),
  'element getters': (items) => items.reduce((target, item, index) => define(target, index, { get: () => item }), []),
  'foreign realm': (items) => vm.runInContext('Array', elsewhere).from(items),
  'own iterator': (items) => Object.assign(items, { [Symbol.iterator]: () => items.slice().reverse().values() }),
};

const throwingArrays = {
  'throwing proxy': (items) => new Proxy(items, { get: errorBomb() }),
  'oddly throwing proxy': (items) => new Proxy(items, { get: oddBomb() }),
  'throwing element': (items) => define(items, items.length, { get: oddBomb() }),
};

const elsewhere = vm.createContext();

const allArrays = { ...arrays, ...throwingArrays };
const allObjects = { ...objects, ...throwingObjects };

const thenables = {
  promise: () => Promise.resolve(1),
  'then and catch': () => ({ then() {}, catch() {} }),
  'then alone': () => ({ then() {} }),
  'then that is no function': () => ({ then: 1, catch() {} }),
  'catch that is no function': () => ({ then() {}, catch: {} }),
  'proxy of a promise': () => new Proxy(Promise.resolve(1), { get: (target, key) => target[key] }),
  'then that throws': () => define({ catch() {} }, 'then', { get: oddBomb() }),
  'array with then and catch': () => Object.assign([], { then() {}, catch() {} }),
  'map with then and catch': () => Object.assign(new Map(), { then() {}, catch() {} }),
};

const collections = {
  map: () => new Map([['email', 1]]),
  set: () => new Set(),
  'weak map': () => new WeakMap(),
  date: () => new Date(0),
  'invalid date': () => new Date(Number.NaN),
  'regular expression': () => /x/,
  error: () => new TypeError('x'),
  bytes: () => new Uint8Array(2),
  arguments: (function () {
    return () => arguments;
  })('x'),
  'array-like': () => ({ length: 1, 0: 'x' }),
  'proxy of a map': () => new Proxy(new Map(), {}),
  'proxy of a date': () => new Proxy(new Date(0), {}),
  'subclass of map': () => new (class extends Map {})(),
  'prototype of map': () => Map.prototype,
  'made from the prototype of date': () => Object.create(Date.prototype),
  'foreign map': () => vm.runInContext('new Map()', elsewhere),
  'foreign date': () => vm.runInContext('new Date()', elsewhere),
  'foreign promise': () => vm.runInContext('Promise.resolve()', elsewhere),
  'foreign function': () => vm.runInContext('(() => {})', elsewhere),
};

const functions = {
  arrow: () => () => {},
  class: () => class Settings {},
  async: () => async () => {},
  proxy: () => new Proxy(() => {}, {}),
  'with properties': () => Object.assign(() => {}, { email: 'a@b.co' }),
};

// Objects that write themselves in their own way; the last three cannot be written at all.
const writers = {
  toString: (text) => ({ toString: () => text }),
  'toPrimitive by hint': (text) => ({ [Symbol.toPrimitive]: (hint) => `${hint} ${text}` }),
  'toPrimitive before toString': (text) => ({
    [Symbol.toPrimitive]: () => 1n,
    toString: () => text,
  }),
  'valueOf after toString': (text) => ({ toString: () => ({}), valueOf: () => text }),
  'toString of null': () => ({ toString: () => null }),
  'toString of a symbol': () => ({ toString: () => Symbol('x') }),
  'toString that throws': () => ({ toString: oddBomb() }),
  'no way to write': () => ({ toString: undefined, valueOf: undefined }),
};

const builders = {
  undefined: () => undefined,
  null: () => null,
  boolean: (value) => value,
  number: (value) => value,
  bigint: (value) => value,
  string: (value) => value,
  symbol: (description) => Symbol(description),
  // So long that many of them fit into one text, which may have 100,000 characters.
  huge: (character) => character.repeat(1000),
  boxed: (value) => Object(value),
  function: (kind) => functions[kind](),
  thenable: (kind) => thenables[kind](),
  collection: (kind) => collections[kind](),
  writer: (kind, text) => writers[kind](text),
  array: (kind, items) => allArrays[kind](items.map(build)),
  object: (kind, entries) => allObjects[kind](entries.map(([key, recipe]) => [key, build(recipe)])),
};

/** Builds the value that a recipe describes. */
export function build([kind, ...details]) {
  return builders[kind](...details);
}

const oneOf = (record) => fc.constantFrom(...Object.keys(record));

const ordinaryFirst = (quiet, throwing) =>
  fc.oneof(
    { weight: 40, arbitrary: fc.constant('plain') },
    { weight: 20, arbitrary: oneOf(quiet) },
    { weight: 1, arbitrary: oneOf(throwing) },
  );

export const objectKinds = ordinaryFirst(objects, throwingObjects);
export const arrayKinds = ordinaryFirst(arrays, throwingArrays);

const oddStrings = [
  '',
  ' ',
  '\0',
  'a\0b',
  '\ud83d',
  '\ude00',
  'x\ud83d',
  '\ude00\ud83d',
  '\u{1f600}',
  '\ufeff',
  '\u00a0',
  '\u2028',
  '__proto__',
  'constructor',
  'undefined',
  'null',
  '0',
];

/** Strings of every make, lone surrogates among them. */
export const strings = fc.oneof(
  { weight: 4, arbitrary: fc.string({ unit: 'grapheme', maxLength: 12 }) },
  { weight: 2, arbitrary: fc.string({ unit: 'binary', maxLength: 12 }) },
  { weight: 2, arbitrary: units(8) },
  { weight: 2, arbitrary: fc.constantFrom(...oddStrings) },
);

function units(maxLength) {
  const surrogates = fc.constantFrom('\ud800', '\udbff', '\udc00', '\udfff', 'a', '\u00e9', '\uffff');
  return fc.array(surrogates, { maxLength }).map((list) => list.join(''));
}

const keys = fc.oneof(
  fc.constantFrom('usageType', 'content', 'email', 'length', '0', 'then', '__proto__', 'extra'),
  fc.string({ maxLength: 5 }),
);

/** Keys that paths in handlebars can name. None of them is inherited by any object. */
export const PATH_KEYS = ['code', 'a', 'b', '0', '1', '01', 'length', 'A_1', '_'];

const ownKinds = fc.oneof(
  { weight: 4, arbitrary: fc.constant('plain') },
  {
    weight: 1,
    arbitrary: fc.constantFrom('no prototype', 'frozen', 'own getters', 'hidden properties'),
  },
);

const ownEntries = (value, minLength = 0) =>
  fc.array(fc.tuple(fc.constantFrom(...PATH_KEYS), value), {
    minLength,
    maxLength: minLength + 5,
    size: 'max',
  });

const numbers = fc.oneof(
  fc.double(),
  fc.integer(),
  fc.constantFrom(Number.NaN, -0, 1e21, 1e-7, Number.POSITIVE_INFINITY, 0.1 + 0.2),
);

/** Generators of values for handlebars: whatever can be asked of them is a property of their own. */
const { value } = fc.letrec((tie) => ({
  value: fc.oneof({ depthSize: 'small', withCrossShrink: true }, tie('leaf'), tie('array'), tie('object')),
  leaf: fc.oneof(
    { weight: 4, arbitrary: strings.map((text) => ['string', text]) },
    fc.constantFrom(['undefined'], ['null'], ['huge', 'a']),
    fc.boolean().map((truth) => ['boolean', truth]),
    numbers.map((number) => ['number', number]),
    fc.bigInt().map((number) => ['bigint', number]),
    strings.map((text) => ['symbol', text]),
    fc.oneof(strings, fc.integer(), fc.boolean()).map((primitive) => ['boxed', primitive]),
    fc.constantFrom('arrow', 'class', 'async', 'with properties').map((kind) => ['function', kind]),
    fc
      .constantFrom(
        'map',
        'date',
        'invalid date',
        'regular expression',
        'error',

        'foreign date',
      )
      .map((kind) => ['collection', kind]),
    fc.tuple(fc.constant('writer'), oneOf(writers), strings),
  ),
  array: fc.tuple(
    fc.constant('array'),
    fc.constantFrom('plain', 'frozen', 'sparse'),
    fc.array(tie('value'), { maxLength: 3 }),
  ),
  object: fc.tuple(fc.constant('object'), ownKinds, ownEntries(tie('value'))),
}));

/** Generators of payloads. */
export const payloads = fc.oneof(
  { weight: 9, arbitrary: fc.tuple(fc.constant('object'), ownKinds, ownEntries(value, 5)) },
  {
    weight: 1,
    arbitrary: fc.tuple(fc.constant('array'), fc.constant('plain'), fc.array(value, { maxLength: 3 })),
  },
);

/** Generators of anything at all. */
export const { anything } = fc.letrec((tie) => ({
  anything: fc.oneof({ depthSize: 'small', withCrossShrink: true }, tie('leaf'), tie('array'), tie('object')),
  leaf: fc.oneof(
    fc.constantFrom(['undefined'], ['null'], ['huge', 'a'], ['huge', '\ud800']),
    fc.boolean().map((value) => ['boolean', value]),
    numbers.map((number) => ['number', number]),
    fc.bigInt().map((value) => ['bigint', value]),
    strings.map((value) => ['string', value]),
    strings.map((value) => ['symbol', value]),
    fc.oneof(strings, fc.integer(), fc.boolean()).map((value) => ['boxed', value]),
    oneOf(functions).map((kind) => ['function', kind]),
    oneOf(thenables).map((kind) => ['thenable', kind]),
    oneOf(collections).map((kind) => ['collection', kind]),
  ),
  array: fc.tuple(fc.constant('array'), arrayKinds, fc.array(tie('anything'), { maxLength: 3 })),
  object: fc.tuple(fc.constant('object'), objectKinds, fc.array(fc.tuple(keys, tie('anything')), { maxLength: 3 })),
}));

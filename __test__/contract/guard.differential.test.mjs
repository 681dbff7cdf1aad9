import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import createOfficial from '@logto/connector-smsaero';
import fc from 'fast-check';
import { anything, build } from '../support/arbitraries.mjs';
import { assertSameClass, isZodError, standsAlone } from '../support/classes.mjs';
import { configs, emails, validConfig } from '../support/configs.mjs';
import createOurs from '../support/package.mjs';
import { check } from '../support/property.mjs';

const getConfig = async () => ({});
const { configGuard: ours } = await createOurs({ getConfig });
const { configGuard: official } = await createOfficial({ getConfig });

const opened = (result) => {
  const { success, data, error } = result;
  const keys = Object.keys(result);
  return success ? { success, keys, data } : { success, keys, error };
};

const METHODS = {
  safeParse: async (guard, input) => opened(guard.safeParse(input)),
  parse: async (guard, input) => ({ data: guard.parse(input) }),
  safeParseAsync: async (guard, input) => opened(await guard.safeParseAsync(input)),
  parseAsync: async (guard, input) => ({ data: await guard.parseAsync(input) }),
  '~standard': async (guard, input) => guard['~standard'].validate(input),
};

/** What a method did; a thrown ZodError is not mistaken for what the input threw. */
async function outcome(method, guard, input) {
  try {
    return await method(guard, input);
  } catch (thrown) {
    return isZodError(thrown) ? { error: thrown } : { thrown };
  }
}

/** Puts the very same value before both guards; gives the official one's judgement. */
async function compare(input) {
  for (const method of Object.values(METHODS)) {
    const own = await outcome(method, ours, input);
    const theirs = await outcome(method, official, input);
    assert.deepEqual(Object.keys(own), Object.keys(theirs), `${answer(own)} is not ${answer(theirs)}`);
    if ('thrown' in theirs) assert.equal(own.thrown, theirs.thrown);
    else if ('error' in theirs) assertSameError(own.error, theirs.error);
    else assertSameData(own, theirs);
  }
  const { success, thrown } = await outcome(METHODS.safeParse, official, input);
  return thrown === undefined ? success : undefined;
}

function assertSameError(own, theirs) {
  assertSameClass(own, theirs);
  assert.equal(own.name, theirs.name);
  assertSameData(own.issues, theirs.issues);
  assert.equal(own.message, theirs.message);
  // Zod's own method: the stand-in has the issues and no more.
  if (!standsAlone) assert.deepEqual(own.format(), theirs.format());
  assert.deepEqual(own.errors, theirs.errors);
}

function assertSameData(own, theirs) {
  assert.deepEqual(own, theirs);
  assert.equal(JSON.stringify(own), JSON.stringify(theirs), 'the order of keys');
}

const answer = ({ thrown, error }) => String(thrown?.stack ?? error ?? 'a result');

describe('configGuard beside the official one', () => {
  test('configurations of every make get the judgement, data and issues of the official guard', async (t) => {
    const verdicts = { true: 0, false: 0, undefined: 0 };
    const property = fc.asyncProperty(configs, async (recipe) => {
      verdicts[await compare(build(recipe))] += 1;
    });
    await check(t, property, 10_000);
    t.diagnostic(`accepted ${verdicts.true}, refused ${verdicts.false}, threw ${verdicts.undefined}`);
    // A generator that only ever finds one judgement would compare nothing.
    const runs = verdicts.true + verdicts.false + verdicts.undefined;
    for (const count of Object.values(verdicts)) assert.ok(count > runs / 50);
  });

  test('e-mail addresses near the rule get the official judgement', async (t) => {
    const property = fc.asyncProperty(emails, async (email) => {
      await compare(validConfig({ email }));
    });
    await check(t, property, 2000);
  });

  test('anything at all gets the official judgement in every place of a configuration', async (t) => {
    const places = {
      root: (value) => value,
      email: (email) => validConfig({ email }),
      senderName: (senderName) => validConfig({ senderName }),
      templates: (templates) => validConfig({ templates }),
      template: (template) => validConfig({ templates: [...validConfig().templates, template] }),
      content: (content) => validConfig({ templates: [...validConfig().templates, { usageType: 'SignIn', content }] }),
    };
    const property = fc.asyncProperty(fc.constantFrom(...Object.keys(places)), anything, async (place, recipe) => {
      await compare(places[place](build(recipe)));
    });
    await check(t, property, 1000);
  });

  test('methods are synchronous or not as the official ones are, whatever the input does', async () => {
    const thrown = { not: 'an error' };
    const throwing = {
      get email() {
        throw thrown;
      },
    };
    for (const input of [validConfig(), {}, throwing]) {
      for (const guard of [ours, official]) {
        for (const name of ['safeParseAsync', 'parseAsync']) {
          const promise = guard[name](input);
          assert.ok(promise instanceof Promise, name);
          await promise.catch(() => {});
        }
      }
    }
    for (const guard of [ours, official]) {
      assert.throws(
        () => guard.parse(throwing),
        (error) => error === thrown,
      );
      assert.throws(
        () => guard.safeParse(throwing),
        (error) => error === thrown,
      );
      assert.equal(guard['~standard'].version, 1);
      assert.equal(typeof guard['~standard'].vendor, 'string');
    }
  });

  test('methods work without their object, and without an argument', () => {
    const { safeParse, parse } = ours;
    assert.equal(safeParse(validConfig()).success, true);
    assert.throws(() => parse(), isZodError);
    assertSameError(safeParse().error, official.safeParse().error);
  });

  test('the data is fresh, and holds nothing that the configuration does not', () => {
    const config = validConfig({
      note: 1,
      templates: [...validConfig().templates, { usageType: 'X', content: '', note: 1 }],
    });
    const { data } = ours.safeParse(config);
    assert.notEqual(data, config);
    assert.notEqual(data.templates, config.templates);
    assert.deepEqual(Object.keys(data), ['email', 'apiKey', 'senderName', 'templates']);
    assert.deepEqual(data.templates.at(-1), { usageType: 'X', content: '' });
    data.templates.pop();
    assert.equal(config.templates.length, 5);
  });

  test('every official key is read once, in the official order', () => {
    const spied = (target, name, log) =>
      new Proxy(target, {
        get: (object, key, receiver) => {
          if (typeof key === 'string' && !['then', 'catch', 'length'].includes(key)) log.push(`${name}${key}`);
          return Reflect.get(object, key, receiver);
        },
      });
    const reads = (guard) => {
      const log = [];
      const { templates, ...rest } = validConfig();
      const list = templates.map((template, index) => spied(template, `${index}.`, log));
      guard.safeParse(spied({ ...rest, templates: spied(list, '#', log) }, '', log));
      return log.filter((key) => !/fallbackToGeneric|testMode|allowedPrefixes|locale/.test(key));
    };
    assert.deepEqual(reads(ours), reads(official));
  });

  const ADDITIVE = {
    fallbackToGeneric: fc.boolean(),
    testMode: fc.boolean(),
    allowedPrefixes: fc.oneof(fc.string(), fc.array(fc.string(), { maxLength: 3 })),
  };

  test('our additive keys stay in the data, after the official ones', async (t) => {
    const locales = fc.array(fc.option(fc.string(), { nil: undefined }), {
      minLength: 4,
      maxLength: 4,
    });
    const property = fc.property(fc.record(ADDITIVE, { requiredKeys: [] }), locales, (additive, locale) => {
      const base = validConfig();
      const templates = base.templates.map((template, index) =>
        locale[index] === undefined ? template : { locale: locale[index], ...template },
      );
      const { success, data, error } = ours.safeParse({ ...additive, ...base, templates });
      assert.equal(success, true, error?.message);
      const { fallbackToGeneric, testMode, allowedPrefixes } = additive;
      const all = { ...base, templates, fallbackToGeneric, testMode, allowedPrefixes };
      const expected = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
      assert.deepEqual(data, expected);
      assert.deepEqual(Object.keys(data), Object.keys(expected));
      for (const template of data.templates) assert.equal(Object.keys(template)[0], 'usageType');
      // Going back is safe: the official guard takes the same configuration.
      assert.equal(official.safeParse(data).success, true);
    });
    await check(t, property, 1000);
  });

  test('an additive key is refused for a wrong type alone, with its path', async (t) => {
    const places = {
      fallbackToGeneric: { allowed: ['boolean'], path: ['fallbackToGeneric'] },
      testMode: { allowed: ['boolean'], path: ['testMode'] },
      allowedPrefixes: { allowed: ['string', 'array'], path: ['allowedPrefixes'] },
      locale: { allowed: ['string'], path: ['templates', 4, 'locale'] },
      prefix: { allowed: ['string'], path: ['allowedPrefixes', 1] },
    };
    const configWith = {
      locale: (locale) =>
        validConfig({
          templates: [...validConfig().templates, { usageType: 'X', content: '', locale }],
        }),
      prefix: (prefix) => validConfig({ allowedPrefixes: ['7', prefix] }),
    };
    // Getters that throw have a test of their own, and elements of a list have their own paths.
    const quiet = fc.anything({
      withBigInt: true,
      withDate: true,
      withMap: true,
      withNullPrototype: true,
    });
    const property = fc.property(fc.constantFrom(...Object.keys(places)), quiet, (place, value) => {
      const type = Array.isArray(value) ? 'array' : typeof value;
      const { allowed, path } = places[place];
      fc.pre(value !== undefined || place === 'prefix');
      fc.pre(!allowed.includes(type));
      const build = configWith[place] ?? ((bad) => validConfig({ [place]: bad }));
      const { success, error } = ours.safeParse(build(value));
      assert.equal(success, false);
      assert.ok(isZodError(error));
      assert.deepEqual(
        error.issues.map((issue) => issue.path),
        [path],
      );
      assert.equal(error.issues[0].code, 'invalid_type');
      assert.equal(official.safeParse(build(value)).success, true);
    });
    await check(t, property, 1000);
  });

  test('what an additive key throws comes out as it is', () => {
    const thrown = Object.freeze({});
    const { templates, ...rest } = validConfig();
    const explosive = (object, key) =>
      Object.defineProperty({ ...object }, key, {
        get() {
          throw thrown;
        },
      });
    const hostile = [
      explosive(validConfig(), 'testMode'),
      explosive(validConfig(), 'fallbackToGeneric'),
      explosive(validConfig(), 'allowedPrefixes'),
      { ...rest, templates: [...templates, explosive({ usageType: 'X', content: '' }, 'locale')] },
    ];
    for (const config of hostile) {
      assert.throws(
        () => ours.safeParse(config),
        (error) => error === thrown,
      );
    }
  });
});

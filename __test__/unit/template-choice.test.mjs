import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import fc from 'fast-check';
import { strings } from '../support/arbitraries.mjs';
import { caught } from '../support/caught.mjs';
import { assertSameClass, isConnectorError } from '../support/classes.mjs';
import { REQUIRED, USAGE_TYPES, validConfig } from '../support/configs.mjs';
import { startBoth } from '../support/official.mjs';
import { check } from '../support/property.mjs';
import { NUMBER } from '../support/setup.mjs';

let gateway;
let official;
let ours;
let stop;

before(async () => {
  ({ gateway, official, ours, stop } = await startBoth());
});

after(() => stop());

const required = validConfig().templates;

/** The text that is sent for a usage type; templates say which one they are. */
async function chosen(templates, type, payload = {}, settings = {}) {
  gateway.clear();
  const config = validConfig({ templates: [...templates, ...required], ...settings });
  await ours.sendMessage({ to: NUMBER, type, payload }, config);
  return JSON.parse(gateway.requests[0].body).text;
}

describe('choosing a template', () => {
  test('the template is the one that the official connector takes', async (t) => {
    const usageTypes = fc.oneof(fc.constantFrom(...USAGE_TYPES, 'signIn', ' SignIn', 'Generic\0', ''), strings);
    const property = fc.asyncProperty(fc.array(usageTypes, { maxLength: 6 }), usageTypes, async (types, type) => {
      const templates = [...types, ...REQUIRED].map((usageType, index) => ({
        usageType,
        content: `${index}`,
      }));
      const [data, config] = [{ to: NUMBER, type, payload: {} }, validConfig({ templates })];
      gateway.clear();
      official.requests.length = 0;
      const [theirs, own] = await Promise.allSettled([
        official.connector.sendMessage(data, config),
        ours.sendMessage(data, config),
      ]);
      assert.equal(own.status, theirs.status);
      if (own.status === 'fulfilled') assert.equal(gateway.requests[0].body, official.requests[0].body);
      // A sentence of ours is well formed, whatever the usage type is.
      else if (type.isWellFormed()) assertSameError(own.reason, theirs.reason);
    });
    await check(t, property, 300);
  });

  function assertSameError(own, theirs) {
    assert.ok(isConnectorError(own));
    assertSameClass(own, theirs);
    assert.equal(own.code, theirs.code);
    assert.equal(own.message, theirs.message);
    assert.equal(own.name, theirs.name);
    assert.deepEqual(own.data, theirs.data);
    assert.deepEqual(Object.keys(own), Object.keys(theirs));
  }

  test('a usage type without a template is the official error, and nothing is sent', async () => {
    gateway.clear();
    const data = { to: NUMBER, type: 'BindMfa', payload: { code: '123456' } };
    const own = await caught(ours.sendMessage(data, validConfig()));
    assertSameError(own, await caught(official.connector.sendMessage(data, validConfig())));
    assert.equal(own.code, 'template_not_found');
    assert.deepEqual(own.data, { message: 'Cannot find template for type: BindMfa' });
    assert.equal(gateway.requests.length, 0);
  });

  test('fallbackToGeneric stands Generic in for a type without a template, and for no other', async () => {
    const on = { fallbackToGeneric: true };
    assert.equal(await chosen([], 'BindMfa', {}, on), 'Generic: {{code}}');
    assert.equal(await chosen([], 'No such type', {}, on), 'Generic: {{code}}');
    assert.equal(await chosen([], 'SignIn', {}, on), 'SignIn: {{code}}');
    const mine = [{ usageType: 'BindMfa', content: 'mine' }];
    assert.equal(await chosen(mine, 'BindMfa', {}, on), 'mine');
    const data = { to: NUMBER, type: 'BindMfa', payload: {} };
    const error = await caught(ours.sendMessage(data, validConfig({ fallbackToGeneric: false })));
    assert.equal(error.code, 'template_not_found');
  });

  const localized = (usageType, ...locales) =>
    locales.map((locale) =>
      locale === null ? { usageType, content: 'none' } : { usageType, content: locale, locale },
    );

  test('the best entry for the user is taken, whatever the order of the entries', async () => {
    const locales = ['en', 'ru', 'pt-BR', 'zh-Hant', 'zh-Hant-TW', 'de-CH-1996'];
    for (const [payload, expected] of [
      [{ uiLocales: 'ru' }, 'ru'],
      [{ uiLocales: 'ru-RU' }, 'ru'],
      [{ uiLocales: 'RU-ru' }, 'ru'],
      [{ uiLocales: 'pt-BR' }, 'pt-BR'],
      [{ uiLocales: 'fr pt-br ru' }, 'pt-BR'],
      [{ uiLocales: 'ru-RU en' }, 'ru'],
      [{ uiLocales: 'zh-Hant-TW' }, 'zh-Hant-TW'],
      [{ uiLocales: 'zh-Hant-HK' }, 'zh-Hant'],
      [{ uiLocales: 'de-CH-1996-x-private' }, 'de-CH-1996'],
      [{ locale: 'ru-RU' }, 'ru'],
      [{ uiLocales: 'en', locale: 'ru' }, 'en'],
      [{ uiLocales: 'fr', locale: 'ru' }, 'ru'],
      [{ uiLocales: 'fr es', locale: 'ja' }, 'none'],
      [{ uiLocales: 'pt' }, 'none'],
      [{ uiLocales: 'zh' }, 'none'],
      [{ uiLocales: 'rus' }, 'none'],
      [{ uiLocales: '' }, 'none'],
      [{ uiLocales: '  ru  ' }, 'ru'],
      [{}, 'none'],
    ]) {
      for (const list of [
        [null, ...locales],
        [...locales, null],
        [...locales.toReversed(), null],
      ]) {
        const templates = localized('BindMfa', ...list);
        assert.equal(await chosen(templates, 'BindMfa', payload), expected, JSON.stringify([payload, list]));
      }
    }
  });

  test('what is not a language of the user is passed over', async () => {
    const templates = localized('BindMfa', 'ru', null);
    for (const payload of [
      { uiLocales: 5, locale: 'ru' },
      { uiLocales: ['ru'], locale: 'ru' },
      { uiLocales: null, locale: 'ru' },
      { uiLocales: '- -- *', locale: 'ru' },
    ]) {
      assert.equal(await chosen(templates, 'BindMfa', payload), 'ru');
    }
    assert.equal(await chosen(templates, 'BindMfa', Object.create({ locale: 'ru' })), 'none');
  });

  test('the first of two entries with the same type and locale is taken', async () => {
    const twice = [
      { usageType: 'BindMfa', content: 'first', locale: 'ru' },
      { usageType: 'BindMfa', content: 'second', locale: 'RU' },
      { usageType: 'BindMfa', content: 'third' },
      { usageType: 'BindMfa', content: 'fourth' },
    ];
    assert.equal(await chosen(twice, 'BindMfa', { locale: 'ru' }), 'first');
    assert.equal(await chosen(twice, 'BindMfa', { locale: 'en' }), 'third');
  });

  test('the own type without a locale goes before Generic in the right language', async () => {
    const templates = [...localized('BindMfa', 'en', null), ...localized('Generic', 'ru')];
    const on = { fallbackToGeneric: true };
    assert.equal(await chosen(templates, 'BindMfa', { locale: 'ru' }, on), 'none');
  });

  test('Generic is chosen by language too', async () => {
    const templates = localized('Generic', 'en', 'ru', null);
    const on = { fallbackToGeneric: true };
    assert.equal(await chosen(templates, 'BindMfa', { locale: 'ru-RU' }, on), 'ru');
    assert.equal(await chosen(templates, 'BindMfa', { locale: 'fr' }, on), 'none');
    const noPlainEntry = localized('BindMfa', 'en');
    assert.equal(await chosen([...noPlainEntry, ...templates], 'BindMfa', { locale: 'ru' }, on), 'ru');
  });

  test('entries in other languages only are still better than no message', async () => {
    // The official connector, which knows no locale, would send the first one.
    assert.equal(await chosen(localized('BindMfa', 'en', 'ru'), 'BindMfa', { locale: 'fr' }), 'en');
  });

  test('an empty locale counts as none, because Logto stores it so', async () => {
    const templates = [{ usageType: 'BindMfa', content: 'empty', locale: '' }, ...localized('BindMfa', 'ru')];
    assert.equal(await chosen(templates, 'BindMfa', { locale: 'fr' }), 'empty');
    assert.equal(await chosen(templates, 'BindMfa', { locale: 'ru' }), 'ru');
  });
});

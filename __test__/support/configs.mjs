import fc from 'fast-check';
import { anything, arrayKinds, objectKinds, strings } from './arbitraries.mjs';
import { sorted } from './property.mjs';

/** The usage types that a configuration must have. */
export const REQUIRED = ['Register', 'SignIn', 'ForgotPassword', 'Generic'];

/** Every usage type of Logto. */
export const USAGE_TYPES = [
  ...REQUIRED,
  'OrganizationInvitation',
  'UserPermissionValidation',
  'BindNewIdentifier',
  'MfaVerification',
  'BindMfa',
];

/** A configuration that both connectors take; its secrets are long enough to be looked for. */
export function validConfig(changes = {}) {
  return {
    email: 'owner@example.com',
    apiKey: 'key-of-the-account/+"1',
    senderName: 'SMSAero',
    templates: REQUIRED.map((usageType) => ({ usageType, content: `${usageType}: {{code}}` })),
    ...changes,
  };
}

const LOCAL = [..."abzAZ09_'+-."];
const DOMAIN = [...'abzAZ09-'];
const NASTY = [
  ...'@@..\'"-+_ \t\n\r\0',
  '..',
  '\u212a',
  '\u017f',
  '\u0130',
  '\u0131',
  '\u2028',
  '\u00e9',
  '\uff41',
  '\ud83d',
  '\u{1f600}',
  '.-',
  '-.',
  '.a',
  '0',
];

const word = (alphabet, minLength, maxLength) =>
  fc.string({ unit: fc.constantFrom(...alphabet), minLength, maxLength });

const regular = fc
  .tuple(
    word(LOCAL, 1, 8),
    fc.array(word(DOMAIN, 1, 4), { minLength: 1, maxLength: 3 }),
    fc.oneof({ weight: 4, arbitrary: word([...'abzAZ'], 2, 4) }, word(DOMAIN, 1, 2)),
  )
  .map(([local, labels, top]) => `${local}@${[...labels, top].join('.')}`);

const mutation = fc.tuple(fc.nat(20), fc.nat(1), fc.constantFrom('', ...NASTY));

/** E-mails at the border of the rule: built from its own alphabet, then hurt in up to two places. */
export const emails = fc
  .tuple(
    fc.oneof({ weight: 3, arbitrary: fc.constant('owner@example.com') }, regular),
    fc.oneof(fc.constant([]), fc.array(mutation, { maxLength: 2 })),
  )
  .map(([email, mutations]) =>
    mutations.reduce((text, [place, removed, inserted]) => {
      const at = place % (text.length + 1);
      return text.slice(0, at) + inserted + text.slice(at + removed);
    }, email),
  );

const ABSENT = null;

const mostly = (weight, valid) =>
  fc.oneof(
    { weight, arbitrary: valid },
    { weight: 1, arbitrary: fc.constant(ABSENT) },
    { weight: 1, arbitrary: anything },
  );

const rank = fc.nat(9);
const text = strings.map((value) => ['string', value]);
const extras = fc.array(
  fc.tuple(rank, fc.tuple(fc.constantFrom('__proto__', 'then', 'toString', 'id', 'note', ''), anything)),
  { maxLength: 2 },
);

/** An object with these keys, most of them as they should be. */
const objectOf = (fields) => {
  const entries = Object.entries(fields).map(([key, recipe]) => fc.tuple(rank, fc.tuple(fc.constant(key), recipe)));
  const none = fc.constant([]);
  const more = fc.oneof({ weight: 5, arbitrary: none }, { weight: 1, arbitrary: extras });
  return fc
    .tuple(objectKinds, fc.tuple(...entries), more)
    .map(([kind, own, others]) => [
      'object',
      kind,
      sorted([...own, ...others]).filter(([, recipe]) => recipe !== ABSENT),
    ]);
};

const usageTypes = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...USAGE_TYPES) },
  { weight: 1, arbitrary: fc.constantFrom('signIn', 'SignIn ', 'Generic\0', 'Test', '') },
  { weight: 1, arbitrary: strings },
);

const templateOf = (usageType) =>
  objectOf({
    usageType: mostly(
      100,
      usageType.map((value) => ['string', value]),
    ),
    content: mostly(100, text),
  });

const template = fc.oneof({ weight: 30, arbitrary: templateOf(usageTypes) }, { weight: 1, arbitrary: anything });

const requiredTemplates = fc.tuple(
  ...REQUIRED.map((usageType) => fc.tuple(rank, mostly(100, templateOf(fc.constant(usageType))))),
);

const templates = fc
  .tuple(arrayKinds, requiredTemplates, fc.array(fc.tuple(rank, template), { maxLength: 4 }))
  .map(([kind, own, others]) => ['array', kind, sorted([...own, ...others]).filter((recipe) => recipe !== ABSENT)]);

/** Generators of configurations: most of them nearly right, some of them right, some nothing of the kind. */
export const configs = fc.oneof(
  {
    weight: 30,
    arbitrary: objectOf({
      email: mostly(
        30,
        emails.map((value) => ['string', value]),
      ),
      apiKey: mostly(40, text),
      senderName: mostly(40, text),
      templates: mostly(40, templates),
    }),
  },
  { weight: 1, arbitrary: anything },
);

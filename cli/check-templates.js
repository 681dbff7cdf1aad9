import { forcedBy, segment } from '../testing/segments.js';
import { causeOf, counted } from './format.js';

/** What Logto asks for; the first four are those without which a configuration is refused. */
export const USAGE_TYPES = [
  'SignIn',
  'Register',
  'ForgotPassword',
  'Generic',
  'OrganizationInvitation',
  'UserPermissionValidation',
  'BindNewIdentifier',
  'MfaVerification',
  'BindMfa',
];
const REQUIRED = USAGE_TYPES.slice(0, 4);
const CODE = '123456';
const LIMITS = { GSM: 160, 'UCS-2': 70 };
const PROVIDER_CHARACTERS = { least: 2, most: 640 };

/** Each template with a six-digit code in it, counted. */
export const measure = (templates) =>
  readable(templates).map(({ usageType, locale, content, place }) => {
    const text = filled(content);
    const { alphabet, units, parts } = segment(text);
    return {
      place,
      usageType,
      // A locale of another type is the guard's to name.
      locale: (typeof locale === 'string' && locale) || null,
      alphabet,
      units,
      limit: LIMITS[alphabet],
      parts,
      forcedBy: forcedBy(text),
    };
  });

/** Logto's usage types that no template is for. */
export const missing = (templates) =>
  USAGE_TYPES.filter((type) => !readable(templates).some(({ usageType }) => usageType === type));

/** Everything about the templates that is worth a sentence. */
export const inspectTemplates = (templates, { fallbackToGeneric }) => {
  const usable = readable(templates);
  return [
    ...inspectMissing(usable, fallbackToGeneric),
    ...usable.flatMap((template) => inspectOne(template, usable)),
    ...inspectLanguages(usable, fallbackToGeneric),
  ];
};

// The others are the guard's to name.
const readable = (templates) =>
  templates
    .map((template, place) => ({ ...template, place }))
    .filter(({ usageType, content }) => typeof usageType === 'string' && typeof content === 'string');

const inspectMissing = (templates, fallbackToGeneric) => {
  // The required ones are the guard's to name.
  const optional = missing(templates).filter((type) => !REQUIRED.includes(type));
  if (optional.length === 0) return [];
  const types = optional.join(', ');
  if (fallbackToGeneric) {
    return [note('templates', `No template is for ${types}; the Generic one is used.`)];
  }
  return [
    fail(
      'templates',
      `No template is for ${types}: such messages would not be sent. Add templates, or switch on ` +
        'fallbackToGeneric to use the Generic one.',
    ),
  ];
};

const inspectOne = ({ usageType, locale, content, place }, all) => {
  const path = `templates[${place}]`;
  return [
    ...inspectType(usageType, path),
    ...inspectLocale(locale, path),
    ...inspectRank({ usageType, locale }, place, all, path),
    ...inspectText(content, `${path}.content`),
  ];
};

const inspectType = (usageType, path) => {
  if (USAGE_TYPES.includes(usageType)) return [];
  const meant = USAGE_TYPES.find((type) => type.toLowerCase() === usageType.trim().toLowerCase());
  const advice = meant ? `Write ${meant}.` : `Logto knows ${USAGE_TYPES.join(', ')}.`;
  const sentence = `Logto never asks for the usage type ${JSON.stringify(usageType)}. ${advice}`;
  return [warn(`${path}.usageType`, sentence)];
};

const inspectLocale = (locale, path) => {
  if (!locale || typeof locale !== 'string' || isTag(locale)) return [];
  const repaired = locale.trim().replaceAll('_', '-');
  const advice = isTag(repaired) ? `Write ${repaired}.` : 'Write one such as ru or pt-BR.';
  return [
    warn(
      `${path}.locale`,
      `${JSON.stringify(locale)} is not a language tag (BCP 47), so the template is not chosen ` +
        `for anybody's language. ${advice}`,
    ),
  ];
};

const isTag = (tag) => {
  try {
    return Intl.getCanonicalLocales(tag).length === 1;
  } catch {
    return false;
  }
};

const inspectRank = (template, place, all, path) => {
  const key = ({ usageType, locale }) => `${usageType} ${locale ? String(locale).toLowerCase() : ''}`;
  const first = all.find((other) => key(other) === key(template));
  if (first.place === place) return [];
  const sentence = `The template is never used: templates[${first.place}] is for the same usage type and language. Remove one of them.`;
  return [warn(path, sentence)];
};

const inspectText = (content, path) => {
  const text = filled(content);
  const length = [...text].length;
  const { alphabet, parts } = segment(text);
  const findings = [];
  if (length < PROVIDER_CHARACTERS.least || length > PROVIDER_CHARACTERS.most) {
    findings.push(
      fail(
        path,
        `With a six-digit code the text has ${counted(length, 'character')}. SMS Aero takes ` +
          `${PROVIDER_CHARACTERS.least} to ${PROVIDER_CHARACTERS.most}.`,
      ),
    );
  }
  if (!/{{\s*code\s*}}/.test(content)) {
    findings.push(warn(path, 'The text has no {{code}} in it, so its reader gets no code. Add it.'));
  }
  const others = handlebars(text);
  if (others.length > 0) {
    const list = others.map((name) => `{{${name}}}`).join(', ');
    findings.push(note(path, `${list} stays as written unless Logto has a value for it; parts are counted so.`));
  }
  const cause = forcedBy(text);
  const plain = cause?.characters ? partsWithout(text) : parts;
  if (parts > 1) {
    const advice = cause === null ? 'Shorten it to 160 characters.' : 'Shorten it to 70 characters.';
    const why = cause === null ? '' : `, because ${causeOf(cause)} is not in the GSM alphabet`;
    const other = plain < parts ? ` Without such characters it would take ${plain}.` : '';
    findings.push(
      warn(path, `The text takes ${parts} parts (${alphabet}${why}), each billed as a message. ${advice}${other}`),
    );
  }
  return findings;
};

// A letter in the place of each character that the GSM alphabet lacks.
const partsWithout = (text) => {
  const plain = [...text].map((character) => (forcedBy(character) === null ? character : 'x'));
  return segment(plain.join('')).parts;
};

const inspectLanguages = (templates, fallbackToGeneric) => {
  const hasPlain = (type) => templates.some(({ usageType, locale }) => usageType === type && !locale);
  const types = USAGE_TYPES.filter((type) => templates.some(({ usageType }) => usageType === type) && !hasPlain(type));
  if (types.length === 0 || (fallbackToGeneric && hasPlain('Generic'))) return [];
  return [
    note(
      'templates',
      `${types.join(', ')}: every template has a locale, so users of other languages get the ` +
        'first one. Add a template without a locale to choose what they read.',
    ),
  ];
};

const HANDLEBARS = /{{\s*([\w.]+)\s*}}/g;

const filled = (content) =>
  content.replace(HANDLEBARS, (bar, path) => {
    const [root, ...rest] = path.split('.');
    if (root !== 'code') return bar;
    return rest.length === 0 ? CODE : '';
  });

const handlebars = (text) => [...new Set([...text.matchAll(HANDLEBARS)].map(([, path]) => path))];

/** Everything about `allowedPrefixes` that is worth a sentence. */
export const inspectPrefixes = (prefixes) => {
  // What is no text is the guard's to name.
  const texts = [prefixes].flat().filter((entry) => typeof entry === 'string');
  const written = texts.flatMap((text) => text.split(/[\s,]+/)).filter((entry) => entry !== '');
  // The words for every number.
  if (written.some((entry) => entry === '*' || entry.toLowerCase() === 'all')) return [];
  const bad = written.filter((entry) => !/^\+?\d+$/.test(entry));
  const idle = written.filter((entry) => /^\+?0/.test(entry) && !bad.includes(entry));
  const useless = bad.length + idle.length;
  const findings = [];
  if (bad.length > 0) {
    const list = bad.map((entry) => JSON.stringify(entry)).join(', ');
    findings.push(
      warn('allowedPrefixes', `${list} is not a calling code and allows nothing. Write digits, such as 7, 375.`),
    );
  }
  if (idle.length > 0) {
    findings.push(
      warn(
        'allowedPrefixes',
        `No number begins with ${idle.join(', ')}: Logto gives the country code first, without zeros. Write 7 rather than 007.`,
      ),
    );
  }
  if (written.length > 0 && useless === written.length) {
    findings.push(
      fail(
        'allowedPrefixes',
        'No entry of allowedPrefixes can match, so no number may be written to. Write calling codes, or remove the field to allow all.',
      ),
    );
  }
  return findings;
};

const finding = (level) => (path, message) => ({
  level,
  check: path.split(/[.[]/)[0],
  path,
  message,
});
const fail = finding('fail');
const warn = finding('warn');
const note = finding('note');

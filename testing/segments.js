// How an operator cuts a text into SMS parts.

const BASIC = new Set(
  '@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !"#¤%&\'()*+,-./0123456789:;<=>?' +
    '¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà',
);
const EXTENSION = new Set('\f^{}\\[~]|€');

const LIMITS = {
  GSM: { alphabet: 'GSM', single: 160, multi: 153 },
  UCS2: { alphabet: 'UCS-2', single: 70, multi: 67 },
};

/** Counts a text: its alphabet, its length in that alphabet's units, and the parts it is billed as. */
export function segment(text) {
  let limits = LIMITS.GSM;
  for (const character of text) {
    if (!BASIC.has(character) && !EXTENSION.has(character)) {
      limits = LIMITS.UCS2;
      break;
    }
  }
  const width = limits === LIMITS.GSM ? gsmWidth : ucs2Width;

  let units = 0;
  let parts = 1;
  let left = limits.multi;
  for (const character of text) {
    const size = width(character);
    units += size;
    // An escape pair or a surrogate pair never straddles two parts: it moves to the next one whole.
    if (size > left) {
      parts += 1;
      left = limits.multi;
    }
    left -= size;
  }
  return { alphabet: limits.alphabet, units, parts: units <= limits.single ? 1 : parts };
}

const SCRIPTS = [
  'Cyrillic',
  'Greek',
  'Armenian',
  'Georgian',
  'Hebrew',
  'Arabic',
  'Devanagari',
  'Bengali',
  'Thai',
  'Han',
  'Hiragana',
  'Katakana',
  'Hangul',
].map((name) => ({ name, pattern: new RegExp(`\\p{Script=${name}}`, 'u') }));
const MOST_NAMED = 3;

/**
 * Why a text is sent as UCS-2: the script when most of its letters are of one, such as `Cyrillic`; else the first few
 * characters that GSM 03.38 lacks, which may then be replaced. Null for a text in the GSM alphabet.
 */
export function forcedBy(text) {
  const characters = [...text];
  const foreign = characters.filter((one) => !BASIC.has(one) && !EXTENSION.has(one));
  if (foreign.length === 0) return null;
  const letters = characters.filter((one) => /\p{L}/u.test(one)).length;
  const isScript = ({ pattern }) => foreign.filter((one) => pattern.test(one)).length * 2 > letters && letters > 0;
  const script = SCRIPTS.find(isScript);
  if (script) return { script: script.name };
  return { characters: [...new Set(foreign)].slice(0, MOST_NAMED) };
}

function gsmWidth(character) {
  return EXTENSION.has(character) ? 2 : 1;
}

function ucs2Width(character) {
  return character.length;
}

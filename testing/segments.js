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
  let room = limits.multi;
  for (const character of text) {
    const size = width(character);
    units += size;
    // An escape pair or a surrogate pair never straddles two parts: it moves to the next one whole.
    if (size > room) {
      parts += 1;
      room = limits.multi;
    }
    room -= size;
  }
  return { alphabet: limits.alphabet, units, parts: units <= limits.single ? 1 : parts };
}

function gsmWidth(character) {
  return EXTENSION.has(character) ? 2 : 1;
}

function ucs2Width(character) {
  return character.length;
}

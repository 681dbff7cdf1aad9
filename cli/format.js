import { styleText } from 'node:util';

const STYLES = ['bold', 'dim', 'red', 'green', 'yellow', 'cyan'];

/** Colours for a stream: where FORCE_COLOR asks for them, else on a terminal whose owner did not decline them. */
export const painter = (stream, env = process.env) => {
  const { FORCE_COLOR, NO_COLOR, TERM } = env;
  const forced = FORCE_COLOR === undefined ? undefined : !['0', 'false'].includes(FORCE_COLOR);
  const colourful = forced ?? (Boolean(stream.isTTY) && !NO_COLOR && TERM !== 'dumb');
  // Whether the stream has colours was decided above; Node would look at stdout alone.
  const options = { validateStream: false };
  const paint = (name) => (text) => (colourful ? styleText(name, text, options) : text);
  return Object.fromEntries(STYLES.map((name) => [name, paint(name)]));
};

// What moves a terminal's cursor, changes its colours or its title, or the direction of the text that follows.
const CONTROL = /[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/gu;
const escaped = (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;

/** A text that came from elsewhere, with every control character spelled out. */
export const visible = (text) => String(text).replace(CONTROL, escaped);

/** The same, but its lines stay lines. */
export const visibleLines = (text) => String(text).split('\n').map(visible).join('\n');

/** JSON for people and programs: what a terminal would obey is escaped in it. */
export const toJson = (value) => visibleLines(JSON.stringify(value, null, 2));

/** Rows as aligned columns; a cell that is a pair is its text and the colour for it. */
export const table = (rows) => {
  const cells = rows.map((row) =>
    row.map((cell) => {
      const [text, paint] = Array.isArray(cell) ? cell : [cell, same];
      return [visible(text), paint];
    }),
  );
  const widths = [];
  for (const row of cells) {
    row.forEach(([text], column) => {
      widths[column] = Math.max(widths[column] ?? 0, width(text));
    });
  }
  const line = (row) =>
    row
      .map(([text, paint], column) => paint(text) + ' '.repeat(widths[column] - width(text)))
      .join('  ')
      .trimEnd();
  return cells.map(line).join('\n');
};

const same = (text) => text;
const width = (text) => [...text].length;

/** The number with its middle hidden, as the connector's trace shows it. */
export const maskedNumber = (number) =>
  number.length < 10
    ? '*'.repeat(number.length)
    : number.slice(0, 4) + '*'.repeat(number.length - 6) + number.slice(-2);

/** An e-mail address with only its first letter and its domain. */
export const maskedEmail = (email) => {
  const at = email.lastIndexOf('@');
  return at < 1 ? '***' : `${email[0]}***${email.slice(at)}`;
};

/** `one part`, `3 parts`. */
export const counted = (count, noun) => `${count} ${noun}${count === 1 ? '' : 's'}`;

/** A character with its number, since two of them may look the same. */
const named = (character) => {
  const number = character.codePointAt(0).toString(16).toUpperCase().padStart(4, '0');
  const visible = !/[\p{C}\p{Z}\p{M}]/u.test(character);
  return visible ? `“${character}” (U+${number})` : `U+${number}`;
};

/** Why a text takes UCS-2, in words. */
export const causeOf = ({ script, characters }) => script ?? characters.map(named).join(', ');

/** What an error has to say for itself, in a line and without its stack. */
export const sentenceOf = (error) => visibleLines(error instanceof Error ? error.message : String(error));

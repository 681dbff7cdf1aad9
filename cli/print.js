const CODES = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, cyan: 36 };

/** Colours for a stream: none unless it is a terminal whose owner did not decline them. */
export const painter = (stream, env = process.env) => {
  const colourful = Boolean(stream.isTTY) && !env.NO_COLOR && env.TERM !== 'dumb';
  const paint = (name) => (text) => (colourful ? `\u001b[${CODES[name]}m${text}\u001b[0m` : text);
  return Object.fromEntries(Object.keys(CODES).map((name) => [name, paint(name)]));
};

/** Rows as aligned columns; a cell that is a pair is its text and the colour for it. */
export const table = (rows) => {
  const cells = rows.map((row) => row.map((cell) => (Array.isArray(cell) ? cell : [cell, same])));
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
const width = (text) => [...String(text)].length;

/** The number with its middle hidden, as the connector's trace shows it. */
export const maskedNumber = (number) =>
  number.length < 10
    ? '*'.repeat(number.length)
    : number.slice(0, 4) + '*'.repeat(number.length - 6) + number.slice(-2);

/** An e-mail address of which only the first letter and the domain are told. */
export const maskedEmail = (email) => {
  const at = email.lastIndexOf('@');
  return at < 1 ? '***' : `${email[0]}***${email.slice(at)}`;
};

/** `one part`, `3 parts`. */
export const counted = (count, noun) => `${count} ${noun}${count === 1 ? '' : 's'}`;

/** A character with its number, since two of them may look the same. */
export const named = (character) => {
  const number = character.codePointAt(0).toString(16).toUpperCase().padStart(4, '0');
  const visible = !/[\p{C}\p{Z}\p{M}]/u.test(character);
  return visible ? `“${character}” (U+${number})` : `U+${number}`;
};

/** What an error has to say for itself, in a line and without its stack. */
export const sentenceOf = (error) => (error instanceof Error ? error.message : String(error));

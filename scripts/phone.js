// A message as the phone shows it, for a terminal or a file.

import { styleText } from 'node:util';

const WIDTH = 46;
const isColourful = Boolean(process.stdout.isTTY) && !process.env.NO_COLOR;

/** Styles a text where somebody can see it. */
export function paint(style, text) {
  return isColourful ? styleText(style, text) : text;
}

/** A box with the sender's name, the text, and how it is billed. */
export function phone({ sign, text, parts, alphabet }) {
  const bill = `${parts} ${parts === 1 ? 'part' : 'parts'}, ${alphabet}`;
  const edge = (left, words, right, style) => {
    const line = '─'.repeat(WIDTH - [...words].length - 1);
    return `${left}─ ${paint(style, words)} ${line}${right}`;
  };
  const body = wrap(text).map((line) => `│ ${line.padEnd(WIDTH)} │`);
  return [edge('╭', sign, '╮', 'bold'), ...body, edge('╰', bill, '╯', 'dim')].join('\n');
}

function wrap(text) {
  return text.split('\n').flatMap((paragraph) => {
    const lines = [''];
    for (const word of paragraph.split(' ').flatMap(cut)) {
      const longer = lines.at(-1) === '' ? word : `${lines.at(-1)} ${word}`;
      if (longer.length <= WIDTH) lines[lines.length - 1] = longer;
      else lines.push(word);
    }
    return lines;
  });
}

function cut(word) {
  return word.match(new RegExp(`.{1,${WIDTH}}`, 'gu')) ?? [''];
}

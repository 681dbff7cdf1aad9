// Which of a configuration's templates a text was made from: the request does not say.

/** The usage types, by a text; null for a text that no template makes. */
export function usageFinder(templates) {
  const known = templates
    .filter(({ content, usageType }) => typeof content === 'string' && typeof usageType === 'string')
    .map(({ content, usageType }) => {
      const pieces = content.split(/{{\s*[\w.]+\s*}}/);
      return { usageType, pieces, fixedLength: pieces.join('').length };
    });
  return (text) => {
    const matching = known.filter(({ pieces }) => isMadeOf(text, pieces));
    // The one that says most itself: a bare {{code}} fits any text.
    const most = Math.max(...matching.map(({ fixedLength }) => fixedLength));
    const best = matching.filter(({ fixedLength }) => fixedLength === most);
    const types = [...new Set(best.map(({ usageType }) => usageType))];
    return types.length === 0 ? null : types.join(' or ');
  };
}

// Whether the pieces are in the text in their order, the first at its start and the last at its end. Each is taken where
// it comes first, which leaves most to the others, so nothing is looked at twice.
function isMadeOf(text, pieces) {
  const [first, ...rest] = pieces;
  const last = rest.pop();
  if (last === undefined) return text === first;
  if (!text.startsWith(first)) return false;
  let place = first.length;
  for (const piece of rest) {
    const found = text.indexOf(piece, place);
    if (found < 0) return false;
    place = found + piece.length;
  }
  return text.length - last.length >= place && text.endsWith(last);
}

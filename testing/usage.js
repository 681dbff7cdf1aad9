// Which of a configuration's templates a text was made from: the wire does not say.

/** The usage types, by a text; null for a text that no template makes. */
export function usageFinder(templates) {
  const known = templates
    .filter(
      ({ content, usageType }) => typeof content === 'string' && typeof usageType === 'string',
    )
    .map(({ content, usageType }) => ({ usageType, ...patternOf(content) }));
  return (text) => {
    const matching = known.filter(({ pattern }) => pattern.test(text));
    // The one that says most itself: a bare {{code}} fits any text.
    const most = Math.max(...matching.map(({ said }) => said));
    const best = matching.filter(({ said }) => said === most);
    const types = [...new Set(best.map(({ usageType }) => usageType))];
    return types.length === 0 ? null : types.join(' or ');
  };
}

function patternOf(content) {
  const pieces = content.split(/{{\s*[\w.]+\s*}}/);
  const pattern = new RegExp(`^${pieces.map(escaped).join('[\\s\\S]{0,200}?')}$`);
  return { pattern, said: pieces.join('').length };
}

function escaped(text) {
  return text.replace(/[.*+?^${}()|[\]\\/-]/g, '\\$&');
}

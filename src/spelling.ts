const lettersMost = 2;

/** The word of `known` that `word` was probably meant to be: the nearest within two letters that is not `word` itself. */
export function nearestOf(word: string, known: readonly string[]): string | undefined {
  return known
    .map((one) => ({ one, distance: distance(word.toLowerCase(), one.toLowerCase()) }))
    .filter(({ one, distance }) => distance <= lettersMost && one !== word)
    .sort((a, b) => a.distance - b.distance)[0]?.one;
}

/** Levenshtein's: how many letters must be added, removed or exchanged. */
function distance(a: string, b: string): number {
  if (Math.abs(a.length - b.length) > lettersMost) return lettersMost + 1;
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const exchange = (previous[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      row.push(Math.min(exchange, (previous[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1));
    }
    previous = row;
  }
  return previous[b.length] ?? 0;
}

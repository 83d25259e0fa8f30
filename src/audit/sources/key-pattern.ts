/** A piece of a pattern such as `topographies/{id}/`: text, or the column whose value replaces it. */
type PatternPart = { readonly text: string } | { readonly column: string };

/** Splits a pattern into its parts, in order. */
export function splitPattern(pattern: string): PatternPart[] {
  return pattern.split(/\{([^{}]*)\}/).map((part, at) => (at % 2 === 0 ? { text: part } : { column: part }));
}

/** The columns that a pattern names. */
export function placeholders(pattern: string): string[] {
  return splitPattern(pattern).flatMap((part) => ('column' in part ? [part.column] : []));
}

/** Where in the policy something stands: keys and indices from the root. */
export type Path = readonly (string | number)[]

/** One thing wrong with a policy: where, what, and what would be right. Never holds a secret's value. */
export interface Problem {
  readonly path: Path
  readonly message: string
}

/** The known name nearest to a mistyped one, when one is near enough to be worth a hint. */
export function nearest(name: string, known: Iterable<string>): string | null {
  let best: string | null = null
  let bestDistance = Math.max(1, Math.floor(name.length / 3)) + 1
  for (const candidate of known) {
    const distance = editDistance(name.toLowerCase(), candidate.toLowerCase())
    if (distance < bestDistance) {
      best = candidate
      bestDistance = distance
    }
  }
  return best
}

/** Levenshtein's distance with two rows. */
function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const substitution = (previous[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      row.push(Math.min(substitution, (previous[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1))
    }
    previous = row
  }
  return previous[b.length] ?? 0
}

/** "did you mean" in the one form that every message uses; all known names where none is near. */
export function suggestion(name: string, known: Iterable<string>): string {
  const names = [...known]
  const near = nearest(name, names)
  if (near !== null) return `did you mean \`${near}\`?`
  return names.length === 0
    ? 'none is defined'
    : `known: ${names.slice(0, 12).join(', ')}${names.length > 12 ? ', ...' : ''}`
}

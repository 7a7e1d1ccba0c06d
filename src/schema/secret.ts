import type { Path } from './problem.ts'

/** Where a secret's value comes from. There is no third way, and no fallback value. */
export type SecretSource = { readonly env: string } | { readonly file: string }

/**
 * A value that stands in the policy only by reference. It is filled in when the policy is loaded and cannot be
 * printed by accident: text, JSON and inspection all show the reference.
 */
export class Secret {
  readonly source: SecretSource
  #value: string | null = null

  constructor(source: SecretSource) {
    this.source = source
  }

  /** Null until it is resolved, or when it could not be. */
  get value(): string | null {
    return this.#value
  }

  resolve(value: string): void {
    this.#value = value
  }

  toString(): string {
    return 'env' in this.source ? `\${${this.source.env}}` : `file ${this.source.file}`
  }

  toJSON(): string {
    return this.toString()
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return `Secret(${this.toString()})`
  }
}

/** The value of a secret in a policy that has passed every check. */
export function secretOf(secret: Secret): string {
  if (secret.value === null) throw new Error(`secret ${secret} was used before it was resolved`)
  return secret.value
}

/** Every secret below `value`, with its path. */
export function secretsIn(value: unknown): { readonly path: Path; readonly secret: Secret }[] {
  const found: { path: Path; secret: Secret }[] = []
  eachBelow(value, (part, path) => {
    if (!(part instanceof Secret)) return true
    found.push({ path: [...path], secret: part })
    return false
  })
  return found
}

/**
 * Visits `value` and everything below it, each thing before what is in it.
 * @param visit gets the path as long as it is called, and says whether to go on below
 */
export function eachBelow(value: unknown, visit: (value: unknown, path: Path) => boolean): void {
  const path: (string | number)[] = []
  const walk = (part: unknown): void => {
    if (!visit(part, path) || typeof part !== 'object' || part === null) return
    if (Array.isArray(part)) {
      for (const [index, item] of part.entries()) step(index, item)
    } else for (const key of Object.keys(part)) step(key, (part as Record<string, unknown>)[key])
  }
  const step = (name: string | number, part: unknown): void => {
    path.push(name)
    walk(part)
    path.pop()
  }
  walk(value)
}

const PLACEHOLDERS =
  /change[-_ ]?me|replace[-_ ]?me|placeholder|your[-_ ]?(?:256[-_ ]?bit[-_ ]?)?secret(?:[-_ ]?key)?|super[-_ ]?secret|pass(?:word|phrase)|secret|default|example|insecure|todo|test|dev(?:elopment)?|0123456789(?:abcdef)?|1234567890|abcdef(?:gh)?/giu

/**
 * Why `value` would not withstand a guess, in words without the value; null when it may do.
 * @param bytes the least length in UTF-8 bytes (RFC 7518 section 3.2 asks 32 of HS256)
 */
export function weakness(value: string, bytes: number): string | null {
  const length = new TextEncoder().encode(value).length
  if (length < bytes) return `is too short: ${length} bytes, at least ${bytes} are needed`
  if (new Set(value).size < 6) return 'is too regular: fewer than 6 different characters'
  const rest = value.replace(PLACEHOLDERS, '').replace(/[^a-z0-9]/giu, '')
  if (rest.length < 8) return 'is a placeholder'
  return null
}

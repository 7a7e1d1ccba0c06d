import type { HeaderLines, Place } from './model.ts'
import { trimmed } from './white-space.ts'

/** Whatever can tell what is in it. */
type Group<Value> = Pick<ReadonlySet<Value>, 'has'>

/** What may be and what may not. Deny wins; null means no such rule. */
export interface Rule<Value> {
  readonly allow: Group<Value> | null
  readonly deny: Group<Value> | null
}

/** Places whose clients may use a route. */
export interface Places {
  readonly countries: Rule<string> | null
  readonly asns: Rule<number> | null
}

/** Names of headers, in lower case; null: it is not said. */
export interface PlaceFields {
  readonly country: string | null
  readonly asn: string | null
}

/** Whether a client there may use the route. */
export function admitsPlace({ countries, asns }: Places, place: Place | undefined): boolean {
  return fits(countries, place?.country) && fits(asns, place?.asn)
}

/** Whether a value may be, by a rule that there may be. What is unknown fits no rule. */
export function fits<Value>(rule: Rule<Value> | null, value: Value | null | undefined): boolean {
  if (rule === null) return true
  if (value == null || rule.deny?.has(value) === true) return false
  return rule.allow === null || rule.allow.has(value)
}

/** What a proxy's headers say of the client's place. */
export function readPlace({ country, asn }: PlaceFields, headers: HeaderLines): Place {
  return {
    country: country === null ? null : countryOf(single(headers.lines(country))),
    asn: asn === null ? null : asnOf(single(headers.lines(asn))),
  }
}

/** A line that stands there twice says nothing: one of them may be the client's. */
const single = (lines: readonly string[]): string | null => (lines.length === 1 ? (lines[0] ?? null) : null)

/** `XX` is how the edge says that it does not know. */
export function countryOf(text: string | null): string | null {
  const given = trimmed(text ?? '')
  // Upper-cased only now that it is ASCII: a sharp s would become two letters, and they a country.
  const code = /^[A-Za-z][A-Za-z0-9]$/.test(given) ? given.toUpperCase() : 'XX'
  return code === 'XX' ? null : code
}

/** `13335` or `AS13335`; 0 is reserved (RFC 7607), and so no place. */
export function asnOf(text: string | null): number | null {
  const digits = /^(?:AS)?([1-9][0-9]{0,9})$/i.exec(trimmed(text ?? ''))?.[1]
  const number = Number(digits)
  return number > 0 && number < 2 ** 32 ? number : null
}

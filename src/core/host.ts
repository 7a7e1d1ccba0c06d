/** Hosts in canonical form. A capital, a port or a trailing dot must not select another route (CVE-2026-77560, CVE-2026-48794). */

import { parseAddress } from './address.ts'

/** Letters, digits and hyphens, with `_` as many internal names have it. */
function isLabelCode(code: number): boolean {
  const letter = code | 0x20
  return (
    (letter >= 0x61 && letter <= 0x7a) || (code >= 0x30 && code <= 0x39) || code === 0x2d || code === 0x5f
  )
}

/**
 * Reduces `Host`, `host:port`, `host.` or `[v6]:port` to the name that routes are matched against.
 * @returns null for user information, lists, percent signs, spaces and everything else that is not a host
 */
export function canonicalHost(text: string): string | null {
  if (text.charCodeAt(0) === 0x5b) return bracketed(text)
  const colon = text.indexOf(':')
  if (colon >= 0 && !isPort(text.slice(colon + 1))) return null
  let name = colon < 0 ? text : text.slice(0, colon)
  if (name.endsWith('.')) name = name.slice(0, -1)
  if (name.length === 0 || name.length > 253) return null
  let start = 0
  for (let i = 0; i <= name.length; i++) {
    const code = i < name.length ? name.charCodeAt(i) : 0x2e
    if (code === 0x2e) {
      if (i === start || i - start > 63) return null
      start = i + 1
    } else if (!isLabelCode(code)) return null
  }
  // Lower-cased only now that it is ASCII: the Kelvin sign would become a `k`.
  return name.toLowerCase()
}

function bracketed(text: string): string | null {
  const end = text.indexOf(']')
  if (end < 0) return null
  const rest = text.slice(end + 1)
  if (rest !== '' && !(rest.startsWith(':') && isPort(rest.slice(1)))) return null
  const inner = text.slice(1, end)
  const address = inner.includes(':') ? parseAddress(inner) : null
  if (address === null) return null
  return address.family === 6 ? `[${address.text}]` : address.text
}

function isPort(text: string): boolean {
  return /^\d{1,5}$/.test(text) && Number(text) >= 1 && Number(text) <= 65535
}

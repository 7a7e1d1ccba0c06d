import type { HeaderLines, Principal } from './model.ts'
import type { Grant } from './roles.ts'

/** What an upstream may be told about a principal. */
export const IDENTITY_FIELDS = ['id', 'email', 'roles', 'permissions', 'tenant', 'method'] as const
export type IdentityField = (typeof IDENTITY_FIELDS)[number]

/** Beyond this an upstream or a proxy may cut the header, and a cut list of roles is another list of roles. */
const MAX_BYTES = 3072

/** Visible ASCII but `%` and `,` passes as it is. */
const PLAIN = /^[\x21-\x24\x26-\x2b\x2d-\x7e]*$/

/**
 * One value for an identity header: everything but visible ASCII, and `%` and `,`, percent-encoded as UTF-8 (RFC 3986
 * section 2.1), so that no claim can end a header line, start another or split a list.
 */
export function encodeValue(value: string): string {
  if (PLAIN.test(value)) return value
  let encoded = ''
  for (const byte of utf8(value)) {
    const plain = byte >= 0x21 && byte <= 0x7e && byte !== 0x25 && byte !== 0x2c
    encoded += plain ? String.fromCharCode(byte) : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
  }
  return encoded
}

/** UTF-8 octets; a lone surrogate becomes U+FFFD. */
function utf8(value: string): number[] {
  const octets: number[] = []
  for (const char of value) {
    const point = char.codePointAt(0) ?? 0xfffd
    const code = point >= 0xd800 && point <= 0xdfff ? 0xfffd : point
    if (code < 0x80) octets.push(code)
    else if (code < 0x800) octets.push(0xc0 | (code >> 6), 0x80 | (code & 63))
    else if (code < 0x10000) octets.push(0xe0 | (code >> 12), 0x80 | ((code >> 6) & 63), 0x80 | (code & 63))
    else
      octets.push(
        0xf0 | (code >> 18),
        0x80 | ((code >> 12) & 63),
        0x80 | ((code >> 6) & 63),
        0x80 | (code & 63),
      )
  }
  return octets
}

/** Sorted, without repeats, joined by commas without spaces. */
export function encodeList(values: Iterable<string>): string {
  return [...new Set(values)].sort().map(encodeValue).join(',')
}

/** A header name with every character that some server takes for a hyphen made one. */
export const spelled = (name: string): string => name.toLowerCase().replace(/[^a-z0-9]/g, '-')

/** Length, first and last character of a name, the same for all its spellings. */
const outlineOf = (name: string): number =>
  (name.length * 256 + spelledCode(name.charCodeAt(0))) * 256 + spelledCode(name.charCodeAt(name.length - 1))

/** What `spelled` makes of one character. */
function spelledCode(code: number): number {
  const letter = code | 0x20
  if (letter >= 0x61 && letter <= 0x7a) return letter
  return code >= 0x30 && code <= 0x39 ? code : 0x2d
}

/** The lists of a grant as header values. */
interface Lists {
  readonly roles: string
  readonly permissions: string
}

/** Which headers carry the identity, and what they hold for a principal. */
export class IdentityPlan {
  readonly #names: Readonly<Record<IdentityField, string>>
  readonly #spellings = new Map<string, string>()
  /** Of every name ours can be spelled as: what tells most names from it at a glance. */
  readonly #outlines: ReadonlySet<number>
  readonly #shortest: number
  readonly #lists = new WeakMap<Grant, Lists>()
  /** Every header, empty: for a preflight, which has no principal. */
  readonly nobody: Readonly<Record<string, string>>

  constructor(names: Readonly<Record<IdentityField, string>>) {
    this.#names = names
    for (const name of Object.values(names)) this.#spellings.set(spelled(name), name.toLowerCase())
    this.#outlines = new Set(Array.from(this.#spellings.keys(), outlineOf))
    this.#shortest = Math.min(...Array.from(this.#spellings.keys(), ({ length }) => length))
    this.nobody = Object.freeze(Object.fromEntries(Object.values(names).map((name) => [name, ''])))
  }

  /** Every configured header for an accepted principal; null when they exceed 3 KiB. */
  headersOf(principal: Principal, grant: Grant): Readonly<Record<string, string>> | null {
    const lists = this.#listsOf(grant)
    const values: Record<IdentityField, string> = {
      id: encodeValue(principal.id),
      email: encodeValue(principal.email ?? ''),
      roles: lists.roles,
      permissions: lists.permissions,
      tenant: encodeValue(principal.tenant ?? ''),
      method: encodeValue(principal.method),
    }
    const headers: Record<string, string> = {}
    let bytes = 0
    for (const field of IDENTITY_FIELDS) {
      headers[this.#names[field]] = values[field]
      bytes += this.#names[field].length + values[field].length + 4
    }
    return bytes > MAX_BYTES ? null : headers
  }

  /** Sorting and encoding is done once for each grant: few share many principals. */
  #listsOf(grant: Grant): Lists {
    let lists = this.#lists.get(grant)
    if (lists === undefined) {
      lists = { roles: encodeList(grant.roles), permissions: encodeList(grant.permissions.list()) }
      this.#lists.set(grant, lists)
    }
    return lists
  }

  /** Whether a header is a managed one, or another spelling that an upstream may take for it. */
  covers(name: string): boolean {
    return this.#spellings.has(spelled(name))
  }

  /**
   * The header that tries to pass for a managed one: another spelling that an upstream may take for it (`X_Auth_User`,
   * `X.Auth.User`: CVE-2025-64484, CVE-2026-88011), or a managed name in `Connection`, which makes a proxy remove ours
   * (CVE-2025-48865). Null when there is none. The managed name itself is client input that the proxy overwrites.
   */
  intruder(headers: HeaderLines): string | null {
    for (const name of headers.names()) {
      if (!this.#outlines.has(outlineOf(name))) continue
      const managed = this.#spellings.get(spelled(name))
      if (managed !== undefined && managed !== name.toLowerCase()) return name
    }
    for (const line of headers.lines('connection')) {
      if (line.length < this.#shortest) continue
      for (const token of line.split(',')) if (this.#spellings.has(spelled(token.trim()))) return 'Connection'
    }
    return null
  }
}

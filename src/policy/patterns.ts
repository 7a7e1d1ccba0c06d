import * as z from 'zod'
import { canonicalHost } from '../core/host.ts'
import { readPath } from '../core/path.ts'

/** Field types of a route's matcher. */

const PARAMETER = /^:[A-Za-z_][A-Za-z0-9_]*$/

/** Why a text is no path pattern, and what would be right; null when it is one. */
function faultOfPath(path: string): string | null {
  if (!path.startsWith('/')) return 'does not start with a slash: write /x or /x/**'
  const segments = path.slice(1).split('/')
  if (segments.at(-1) === '') segments.pop()
  const names = segments.filter((segment) => segment.startsWith(':'))
  if (new Set(names).size < names.length) return 'names a parameter twice: give each its own name'
  for (const [index, segment] of segments.entries()) {
    if (segment === '**' && index === segments.length - 1) continue
    if (segment.startsWith(':')) {
      if (PARAMETER.test(segment)) continue
      return `has a parameter \`${segment}\` whose name is not one: write letters, digits and _, as in :server`
    }
    if (segment === '') return 'has an empty segment: write single slashes'
    if (segment.includes('*')) return `has \`*\` in \`${segment}\`: only a final /** stands for more`
    if (/[{}]/.test(segment)) return `has a brace in \`${segment}\`: a parameter is written /:name`
    if (/[%;?#\\]/.test(segment))
      return `has a character in \`${segment}\` that no pattern can hold: write the decoded text without % ; ? # \\`
    if (/[. ]$/.test(segment))
      return `has a segment \`${segment}\` that ends in a dot or space: such a path is never unambiguous`
    const judged = readPath(encodeURI(`/${segment}`))
    if (!judged.ok) return `has a segment \`${segment}\` that no request can have: ${judged.why}`
  }
  return null
}

/** Why a text is no host pattern, and what would be right; null when it is one. */
function faultOfHost(host: string): string | null {
  if (host.includes('*')) return 'has a `*`: write a parameter for one label, as in :name.example.com'
  const plain = host
    .split('.')
    .map((label) => (PARAMETER.test(label) ? 'x' : label))
    .join('.')
  if (/:\d+$/.test(plain) && !plain.startsWith('[')) return 'has a port: write the host alone'
  if (canonicalHost(plain) === null || /\]:/.test(plain))
    return 'is not a host: write app.example.com or :org.example.com'
  return null
}

const checked = (fault: (text: string) => string | null) =>
  z.string().superRefine((text, context) => {
    const message = fault(text)
    if (message !== null) context.addIssue({ code: 'custom', message })
  })

export const pathField = checked(faultOfPath)

/** In canonical form: lower case but for parameter names, without a final dot. */
export const hostField = checked(faultOfHost).transform((host) =>
  host.startsWith('[')
    ? (canonicalHost(host) ?? host)
    : host
        .replace(/\.$/, '')
        .split('.')
        .map((label) => (label.startsWith(':') ? label : label.toLowerCase()))
        .join('.'),
)

export const methodField = z.string().regex(/^[A-Z][A-Z0-9-]{0,31}$/, {
  error: 'is not a method: write it in capitals, as in GET',
})

/** As browsers send it (RFC 6454 section 6.2), since it is compared letter by letter. */
function faultOfOrigin(text: string): string | null {
  const url = /^https?:\/\/[^/?#@\\]+$/i.test(text) && URL.canParse(text) ? new URL(text) : null
  if (url === null) return 'is not an origin: write https://app.example.com, in lower case, without a path'
  return url.origin === text ? null : `is not an origin as browsers send it: write ${url.origin}`
}

export const originField = checked(faultOfOrigin)

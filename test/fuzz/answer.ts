import { Buffer } from 'node:buffer'
import type { Answered } from '../support/service.ts'
import type { Failure } from './target.ts'

const PRINTABLE = /^[\x20-\x7e]*$/

/** Statuses that a check may ever get. */
const STATUSES = new Set([200, 400, 401, 403, 429, 503])

/** Names of headers that only an allow may carry. */
const IDENTITY = /^x-auth-/

/** What must hold of every answer to a check and of its record, whatever was asked. @param secrets what nobody may read */
export function faultsOf(answered: Answered, secrets: readonly string[] = []): Failure[] {
  const { status, trueStatus, reason, headers, body, line, decision } = answered
  const found: Failure[] = []
  const fault = (kind: string, detail: string) => void found.push({ kind, detail })
  if (!STATUSES.has(status) || !STATUSES.has(trueStatus)) fault('status', `${status}, truly ${trueStatus}`)
  if (reason === 'internal') {
    const { cause } = decision
    const told = cause instanceof Error ? (cause.stack ?? cause.message) : String(cause)
    fault(/^no decision within/.test(told) ? 'late' : 'caught crash', told)
  }
  if ((status === 200) !== (decision.verdict === 'allow'))
    fault('verdict', `${decision.verdict} is told as ${status}`)
  if ((status === 200) !== (trueStatus === 200)) fault('status', `${status}, truly ${trueStatus}`)
  for (const [name, value] of headers) {
    if (!PRINTABLE.test(value)) fault('header not printable', `${name}: ${JSON.stringify(value)}`)
    if (status !== 200 && IDENTITY.test(name)) fault('identity on a denial', `${name}: ${value}`)
  }
  if (!PRINTABLE.test(body)) fault('body not printable', JSON.stringify(body))
  if (status === 200 && body !== '') fault('body of an allow', body)
  if (Number(headers.get('content-length') ?? body.length) !== body.length) fault('content length', body)
  found.push(...lineFaults(line))
  const said = [line, body, ...[...headers].map(([name, value]) => `${name}: ${value}`)]
  found.push(...leaks(said, secrets))
  return found
}

/** What must hold of a line of the record. */
export function lineFaults(line: string): Failure[] {
  if (!line.endsWith('\n')) return [{ kind: 'record', detail: `does not end: ${JSON.stringify(line)}` }]
  const text = line.slice(0, -1)
  if (!PRINTABLE.test(text))
    return [{ kind: 'record', detail: `is not one printable line: ${JSON.stringify(text)}` }]
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return []
  } catch {
    // Told below.
  }
  return [{ kind: 'record', detail: `is not JSON: ${text}` }]
}

/** Secrets that can be read in what was said, as they are or in base64. */
export function leaks(said: readonly string[], secrets: readonly string[]): Failure[] {
  const all = said.join('\n')
  return secrets
    .filter((secret) => secret.length >= 12 && (all.includes(secret) || all.includes(base64(secret))))
    .map((secret) => ({ kind: 'leak', detail: `${JSON.stringify(secret)} in ${all}` }))
}

const base64 = (text: string): string => Buffer.from(text, 'latin1').toString('base64').replace(/=+$/, '')

import type { AdapterReading, HeaderLines } from '../core/model.ts'

/** Where a proxy's contract puts each part of the forwarded request: header names in lower case. */
export interface Fields {
  readonly method: string
  readonly scheme: string
  readonly host: string
  readonly target: string
  readonly forwardedFor: string
}

/** The fields that most proxies share. */
export const FORWARDED: Fields = {
  method: 'x-forwarded-method',
  scheme: 'x-forwarded-proto',
  host: 'x-forwarded-host',
  target: 'x-forwarded-uri',
  forwardedFor: 'x-forwarded-for',
}

/**
 * Reads a forwarded request from exactly these fields. Each must be there once and not be empty; nothing stands in
 * for a missing one, because every fall-back is a field that a client could fill (CVE-2026-40575). Runtimes join
 * repeated lines with a comma, so in fields that cannot hold one it counts as a repeat (CVE-2026-26308).
 */
export function readFields(proxy: string, fields: Fields, headers: HeaderLines): AdapterReading {
  const method = headers.lines(fields.method)
  if (!single(method)) return refused(fields.method, method)
  const scheme = headers.lines(fields.scheme)
  if (!single(scheme)) return refused(fields.scheme, scheme)
  const host = headers.lines(fields.host)
  if (!single(host)) return refused(fields.host, host)
  const target = headers.lines(fields.target)
  if (target.length !== 1 || target[0] === '') return refused(fields.target, target)
  const hops = headers.lines(fields.forwardedFor)
  const forwardedFor = hops.length === 1 ? hops[0] : hops.join(',')
  if (forwardedFor === undefined || forwardedFor === '') return refused(fields.forwardedFor, [])
  return {
    ok: true,
    request: {
      proxy,
      method: method[0],
      scheme: scheme[0],
      host: host[0],
      target: target[0] ?? '',
      forwardedFor,
      headers,
    },
  }
}

/** Whether a field came exactly once, with one value. */
export function single(lines: readonly string[]): lines is readonly [string] {
  return lines.length === 1 && lines[0] !== '' && lines[0]?.includes(',') === false
}

/** What is said of a field that did not. */
export function refused(field: string, lines: readonly string[]): AdapterReading {
  return { ok: false, field, problem: lines.every((line) => line === '') ? 'missing' : 'repeated' }
}

/**
 * What nginx's auth_request must receive. It relays 2xx, 401 and 403 and turns every other status into its own 500, so
 * other denials travel as 403, and X-Postern-Status says what they were.
 */
export const authRequestStatus = (wanted: number): number => (wanted < 300 || wanted === 401 ? wanted : 403)

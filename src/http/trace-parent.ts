import type { HeaderLines } from '../core/model.ts'

/**
 * The trace id of a request that is being traced (W3C Trace Context, section 3.2.2), read strictly: one line, lower-case
 * hexadecimal, no all-zero id, nothing after version 00. Null for everything else: an id that we cannot trust to be
 * one would only mislead.
 */
export function traceIdOf(headers: HeaderLines): string | null {
  const lines = headers.lines('traceparent')
  const line = lines[0]
  if (line === undefined || lines.length > 1 || line.length > 256) return null
  const [, version, trace, parent, rest] =
    /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(-.*)?$/.exec(line) ?? []
  if (version === undefined || trace === undefined || parent === undefined) return null
  if (version === 'ff' || (version === '00' && rest !== undefined)) return null
  return /^0+$/.test(trace) || /^0+$/.test(parent) ? null : trace
}

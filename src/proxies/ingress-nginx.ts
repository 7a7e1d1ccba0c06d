import type { AdapterReading, HeaderLines } from '../core/model.ts'
import { plainProxy } from './contract.ts'
import { authRequestStatus, refused, single } from './fields.ts'

const METHOD = 'x-original-method'
const URL_FIELD = 'x-original-url'
const CLIENT = 'x-real-ip'

/**
 * `$scheme://$http_host$request_uri`, put together by nginx without a thought: the host is what a client wrote, and
 * what it wrote may hold a piece of another URL. So the host ends at the first slash and holds none of the signs at
 * which somebody else would end it: `/`, `?`, `#`, `\`, `@`, `,`, `%`. Never `new URL()`, which repairs.
 */
const ORIGINAL_URL = /^(https?):\/\/([A-Za-z0-9._:[\]-]+)(\/.*)$/s

/**
 * ingress-nginx's `auth-url` (retired in March 2026). X-Original-URL and X-Original-Method are what it sets itself; it
 * passes the client's X-Forwarded-Uri and -Method through, and blanks X-Forwarded-Proto.
 */
function read(headers: HeaderLines): AdapterReading {
  const method = headers.lines(METHOD)
  if (!single(method)) return refused(METHOD, method)
  const urls = headers.lines(URL_FIELD)
  if (urls.length !== 1 || urls[0] === '') return refused(URL_FIELD, urls)
  const client = headers.lines(CLIENT)
  if (!single(client)) return refused(CLIENT, client)
  const [, scheme, host, target] = ORIGINAL_URL.exec(urls[0] ?? '') ?? []
  if (scheme === undefined || host === undefined || target === undefined)
    return { ok: false, field: URL_FIELD, problem: 'malformed' }
  return {
    ok: true,
    request: {
      proxy: 'ingress-nginx',
      method: method[0],
      scheme,
      host,
      target,
      forwardedFor: client[0],
      headers,
    },
  }
}

/** auth_request underneath: the same statuses as for nginx, and a body would cost it the connection. */
export const ingressNginx = plainProxy({
  name: 'ingress-nginx',
  read,
  status: authRequestStatus,
  bodies: false,
})

/** The yardstick of a check in workerd: a Worker that returns the headers of an allow and does nothing else. */

import { env } from 'cloudflare:workers'

const headers = JSON.parse(String(env['BENCH_HEADERS'])) as Record<string, string>

export default { fetch: () => new Response(null, { headers }) }

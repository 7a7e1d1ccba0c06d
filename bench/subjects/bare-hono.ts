/** The yardstick of a warm decision: Hono on Node, returning the headers of an allow and doing nothing else. */

import { serve } from '@hono/node-server'
import { Hono } from 'hono'

const headers = JSON.parse(process.env['BENCH_HEADERS'] ?? '{}') as Record<string, string>
const app = new Hono()
app.all('/check/traefik', (c) => c.body(null, 200, headers))
serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }, ({ port }) =>
  console.log(JSON.stringify({ port })),
)

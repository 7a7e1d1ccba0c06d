/** The yardstick of a never-seen token: jose's jwtVerify behind Hono, the key imported once, nothing else decided. */

import { serve } from '@hono/node-server'
import { Hono } from 'hono'
import { importSPKI, jwtVerify } from 'jose'

const headers = JSON.parse(process.env['BENCH_HEADERS'] ?? '{}') as Record<string, string>
const algorithm = process.env['BENCH_ALGORITHM'] ?? 'RS256'
const key = await importSPKI(process.env['BENCH_PUBLIC_KEY'] ?? '', algorithm)
const expected = {
  issuer: 'https://issuer.bench.example',
  audience: 'bench',
  algorithms: [algorithm],
  requiredClaims: ['exp'],
}
const app = new Hono()
app.all('/check/traefik', async (c) => {
  await jwtVerify((c.req.header('authorization') ?? '').slice(7), key, expected)
  return c.body(null, 200, headers)
})
serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }, ({ port }) =>
  console.log(JSON.stringify({ port })),
)

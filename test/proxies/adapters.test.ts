import { expect, it } from 'vitest'
import { caddy } from '../../src/proxies/caddy.ts'
import { PROXIES } from '../../src/proxies/index.ts'
import { nginx } from '../../src/proxies/nginx.ts'
import { traefik } from '../../src/proxies/traefik.ts'
import { proxyConformance, type RecordedCheck } from './conformance.ts'

const NATIVE = { 200: 200, 400: 400, 401: 401, 403: 403, 429: 429, 503: 503 }
const ORIGINAL = ['X-Original-Method', 'X-Original-URI', 'X-Original-URL', 'X-Forwarded-Path']

const forwarded: RecordedCheck = [
  ['X-Forwarded-Method', 'POST'],
  ['X-Forwarded-Proto', 'https'],
  ['X-Forwarded-Host', 'app.example.com'],
  ['X-Forwarded-Uri', '/a%2Fb?x=1,2'],
]

proxyConformance({
  adapter: traefik.adapter({}),
  recorded: [
    ['Host', '127.0.0.1:8081'],
    ['User-Agent', 'curl/8.14.1'],
    ['Accept', '*/*'],
    ['X-Forwarded-For', '198.51.100.7'],
    ...forwarded,
    ['X-Forwarded-Port', '443'],
    ['X-Forwarded-Server', 'edge'],
    ['X-Real-Ip', '198.51.100.7'],
    ['Accept-Encoding', 'gzip'],
  ],
  fields: { method: 'x-forwarded-method', target: 'x-forwarded-uri' },
  foreign: ORIGINAL,
  relayed: NATIVE,
})

proxyConformance({
  adapter: caddy.adapter({}),
  recorded: [
    ['Host', 'app.example.com'],
    ['User-Agent', 'curl/8.14.1'],
    ['Accept', '*/*'],
    ['Via', '2.0 Caddy'],
    ['X-Forwarded-For', '198.51.100.7'],
    ...forwarded,
    ['Accept-Encoding', 'gzip'],
  ],
  fields: { method: 'x-forwarded-method', target: 'x-forwarded-uri' },
  foreign: ORIGINAL,
  relayed: NATIVE,
})

proxyConformance({
  adapter: nginx.adapter({}),
  recorded: [
    ['X-Original-Method', 'POST'],
    ['X-Original-URI', '/a%2Fb?x=1,2'],
    ['X-Forwarded-Host', 'app.example.com'],
    ['X-Forwarded-Proto', 'https'],
    ['X-Forwarded-For', '198.51.100.7'],
    ['Host', 'postern'],
    ['user-agent', 'curl/8.14.1'],
    ['accept', '*/*'],
  ],
  fields: { method: 'x-original-method', target: 'x-original-uri' },
  foreign: ['X-Forwarded-Method', 'X-Forwarded-Uri', 'X-Original-URL'],
  relayed: { 200: 200, 400: 403, 401: 401, 403: 403, 429: 403, 503: 403 },
})

it('registers every adapter under its own name', () => {
  for (const [name, type] of Object.entries(PROXIES)) {
    expect(type.name).toBe(name)
    expect(type.adapter({}).name).toBe(name)
  }
})

it('sends nginx no body, which would cost it the connection', () => {
  expect(Object.values(PROXIES).map(({ name, adapter }) => [name, adapter({}).bodies])).toEqual([
    ['traefik', true],
    ['caddy', true],
    ['nginx', false],
  ])
})

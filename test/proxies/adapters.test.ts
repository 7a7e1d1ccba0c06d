import { describe, expect, it } from 'vitest'
import { caddy } from '../../src/proxies/caddy.ts'
import { envoy } from '../../src/proxies/envoy.ts'
import { haproxy } from '../../src/proxies/haproxy.ts'
import { PROXIES } from '../../src/proxies/index.ts'
import { ingressNginx } from '../../src/proxies/ingress-nginx.ts'
import { nginx } from '../../src/proxies/nginx.ts'
import { traefik } from '../../src/proxies/traefik.ts'
import { forwardedFields, headerLines, proxyConformance, type RecordedCheck } from './conformance.ts'

const NATIVE = { 200: 200, 400: 400, 401: 401, 403: 403, 429: 429, 503: 503 }
const AUTH_REQUEST = { 200: 200, 400: 403, 401: 401, 403: 403, 429: 403, 503: 403 }
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
  fields: forwardedFields('x-forwarded-method', 'x-forwarded-uri'),
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
  fields: forwardedFields('x-forwarded-method', 'x-forwarded-uri'),
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
  fields: forwardedFields('x-original-method', 'x-original-uri'),
  foreign: ['X-Forwarded-Method', 'X-Forwarded-Uri', 'X-Original-URL'],
  relayed: AUTH_REQUEST,
})

proxyConformance({
  adapter: haproxy.adapter({}),
  recorded: [
    ['x-postern-secret', 'a secret of HAProxy'],
    ['x-forwarded-for', '198.51.100.7'],
    ['x-forwarded-host', 'app.example.com'],
    ['user-agent', 'curl/8.14.1'],
    ['x-forwarded-uri', '/a%2Fb?x=1,2'],
    ['x-forwarded-proto', 'https'],
    ['accept', '*/*'],
    ['x-forwarded-method', 'POST'],
    ['host', '127.0.0.1:8081'],
  ],
  fields: forwardedFields('x-forwarded-method', 'x-forwarded-uri'),
  foreign: ORIGINAL,
  relayed: NATIVE,
})

/** It came as `POST /check/envoy`: with the client's method and host, and a length for no body. */
const envoyCheck: RecordedCheck = [
  ['host', 'app.example.com'],
  ['content-length', '0'],
  ['x-forwarded-method', 'POST'],
  ['x-forwarded-uri', '/a%2Fb?x=1,2'],
  ['x-forwarded-host', 'app.example.com'],
  ['x-forwarded-proto', 'https'],
  ['x-forwarded-for', '198.51.100.7'],
  ['x-postern-secret', 'a secret of Envoy'],
  ['x-envoy-internal', 'true'],
  ['x-envoy-expected-rq-timeout-ms', '2000'],
]

describe.each([
  ['as it is', envoy.adapter({}), NATIVE],
  ['told 403 for 503', envoy.adapter({ unavailable: 403 }), { ...NATIVE, 503: 403 }],
])('Envoy, %s:', (_, adapter, relayed) => {
  proxyConformance({
    adapter,
    recorded: envoyCheck,
    fields: forwardedFields('x-forwarded-method', 'x-forwarded-uri'),
    foreign: [...ORIGINAL, 'X-Envoy-Original-Path'],
    relayed,
  })
})

// ingress-nginx is retired, so this is no recording: it is what its template writes into the location of the check.
const ingressCheck: RecordedCheck = [
  ['X-Original-URL', 'https://app.example.com/a%2Fb?x=1,2'],
  ['X-Original-Method', 'POST'],
  ['X-Sent-From', 'nginx-ingress-controller'],
  ['X-Real-IP', '198.51.100.7'],
  ['X-Forwarded-For', '198.51.100.7'],
  ['X-Auth-Request-Redirect', '/a%2Fb?x=1,2'],
  ['Host', 'postern.default.svc.cluster.local:8081'],
  ['User-Agent', 'curl/8.14.1'],
  ['Accept', '*/*'],
]

proxyConformance({
  adapter: ingressNginx.adapter({}),
  recorded: ingressCheck,
  fields: { plain: ['x-original-method', 'x-real-ip'], target: 'x-original-url', chain: null },
  foreign: ['X-Forwarded-Method', 'X-Forwarded-Uri', 'X-Forwarded-Host', 'X-Original-URI', 'X-Forwarded-For'],
  relayed: AUTH_REQUEST,
})

describe('the URL that ingress-nginx puts together', () => {
  const read = (url: string) =>
    ingressNginx
      .adapter({})
      .read(
        headerLines([...ingressCheck.filter(([name]) => name !== 'X-Original-URL'), ['X-Original-URL', url]]),
      )

  it.each([
    ['http://app/', 'http', 'app', '/'],
    ['https://APP.example.com.:8443/x', 'https', 'APP.example.com.:8443', '/x'],
    ['https://[2001:db8::1]:443/x', 'https', '[2001:db8::1]:443', '/x'],
    ['https://app//evil/x', 'https', 'app', '//evil/x'],
    ['https://app/http://evil/x', 'https', 'app', '/http://evil/x'],
    ['https://app/a/../b?c=d#e', 'https', 'app', '/a/../b?c=d#e'],
    ['https://app/%2e%2e\\x\ty', 'https', 'app', '/%2e%2e\\x\ty'],
  ])('%j is split at its first slash, and nothing of it is repaired', (url, scheme, host, target) => {
    expect(read(url)).toMatchObject({ ok: true, request: { scheme, host, target } })
  })

  // What a client writes into Host becomes a part of the URL, and must not become its path.
  it.each([
    'https://app?x=/admin',
    'https://app#/admin',
    'https://app\\/admin',
    'https://user@app/admin',
    'https://app:80@evil/admin',
    'https://app,evil/admin',
    'https://app%2fpublic/admin',
    'https://app evil/admin',
    'https:///admin',
    'https://app',
    'https:/app/admin',
    'HTTPS://app/admin',
    'ftp://app/admin',
    '//app/admin',
    '/admin',
    ' https://app/admin',
    'https://\u00e4pp/admin',
  ])('%j is refused', (url) => {
    expect(read(url)).toEqual({ ok: false, field: 'x-original-url', problem: 'malformed' })
  })
})

it('registers every adapter under its own name', () => {
  for (const [name, type] of Object.entries(PROXIES)) {
    expect(type.name).toBe(name)
    expect(type.adapter({}).name).toBe(name)
  }
})

it('sends auth_request no body, which would cost it the connection', () => {
  const bodiless = Object.values(PROXIES).filter(({ adapter }) => !adapter({}).bodies)
  expect(bodiless.map(({ name }) => name)).toEqual(['nginx', 'ingress-nginx'])
})

import { adminOf, OTHER, PEPPER, READER, WRITER } from '../../admin/support.ts'
import type { Dice } from '../../e2e/targets.ts'
import { leaks, lineFaults } from '../answer.ts'
import type { Failure, Harness, Input, Judgement, Target } from '../target.ts'

/** By the first byte of an input: who asks. */
const TOKENS: Readonly<Record<string, string | null>> = {
  w: WRITER,
  r: READER,
  n: null,
  x: `postern_${'x'.repeat(43)}`,
}

/** A key and a digest that stand in the requests: no answer but that of a creation may hold a key. */
const KEY = /ak_live_[0-9A-Za-z]{51}|ak_live_[0-9a-f]{32}/

/** Pieces of a key's secret: parsers quote a part of what they cannot read. Its start may be shown. */
const piecesOf = (key: string): string[] =>
  Array.from({ length: key.length - 32 }, (_, at) => key.slice(20 + at, 32 + at))

interface Asked {
  readonly who: string
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** `W METHOD PATH`, lines of the header, an empty line, the body. */
function askedIn(input: Input): Asked {
  const end = input.indexOf('\n\n')
  const [first = '', ...lines] = (end < 0 ? input : input.slice(0, end)).split('\n')
  const [who = '', method = '', path = ''] = first.split(' ')
  const headers: Record<string, string> = {}
  for (const line of lines) {
    const [, name = '', value = ''] = /^([!#$%&'*+.^`|~\w-]+): ?([\t\x20-\x7e\x80-\xff]*)$/.exec(line) ?? []
    // Who asks is said by the first byte alone.
    if (name !== '' && name.toLowerCase() !== 'authorization') headers[name] = value
  }
  return { who, method, path, headers, body: end < 0 ? '' : input.slice(end + 2) }
}

/** Null where not even a request can be made of it: no server would hand it on. */
function requestOf({ who, method, path, headers, body }: Asked): Request | null {
  const token = TOKENS[who] ?? null
  const authorization: Record<string, string> = token === null ? {} : { authorization: `Bearer ${token}` }
  const bytes =
    method === 'GET' || method === 'HEAD' || body === '' ? {} : { body: Buffer.from(body, 'latin1') }
  try {
    return new Request(`http://admin.test${path.startsWith('/') ? '' : '/'}${path}`, {
      method,
      headers: { ...headers, ...authorization },
      ...bytes,
    })
  } catch {
    return null
  }
}

async function open(): Promise<Harness> {
  let admin = adminOf()
  /** What others than writers could change: a writer may have taken it away. */
  const furnish = async () => {
    await admin.ask('POST', '/v1/keys', { body: { id: 'bot', owner: 'ann', roles: ['user'] } })
    await admin.ask('POST', '/v1/bans', { body: { network: '192.0.2.7', duration: '1h' } })
  }
  await furnish()
  return {
    run: async (input) => {
      const asked = askedIn(input)
      const request = requestOf(asked)
      if (request === null) return () => ({ failures: [], features: ['no request'], allowed: false })
      // A wrong token costs patience: without this, all that comes later would be 429.
      admin.pass(6000)
      const [lines, reports] = [admin.lines.length, admin.reports.length]
      const response = await admin.app.fetch(request)
      const text = await response.text()
      const [told, reported] = [admin.lines.slice(lines), admin.reports.slice(reports)]
      if (admin.lines.length > 4000) admin = adminOf()
      if (told.length > 0) await furnish()
      return () => judge(asked, response, text, told, reported)
    },
  }
}

/** Operations that look and change nothing, though they have a body. */
const LOOKS = /^\/v1\/keys\/verify$/

function judge(
  { who, method, path, body }: Asked,
  { status, headers }: Response,
  text: string,
  told: readonly string[],
  reported: readonly string[],
): Judgement {
  const failures: Failure[] = []
  const fault = (kind: string, detail: string) =>
    void failures.push({ kind, detail: `${method} ${path} ${status}: ${detail}` })
  if (status >= 500) fault('status', `${text} ${reported.join(' ')}`)
  const good = status >= 200 && status < 300
  const pathname = decodeURI.call(
    null,
    new URL(`http://admin.test/${path.replace(/^\/+/, '')}`).pathname.replaceAll('%', '%25'),
  )
  const open = /^\/+openapi\.json$/.test(pathname)
  if (good && !open && who !== 'w' && who !== 'r') fault('breach', 'without a token')
  if (good && who === 'r' && method !== 'GET' && method !== 'HEAD' && !LOOKS.test(pathname))
    fault('breach', 'by a reader')
  if (told.length > 0 && who !== 'w') fault('breach', `changed by who may not: ${told[0]}`)
  if (told.length > 0 && !good) fault('changed and refused', told[0] ?? '')
  for (const line of told) failures.push(...lineFaults(line.endsWith('\n') ? line : `${line}\n`))
  for (const [name, value] of headers) if (!/^[\x20-\x7e]*$/.test(value)) fault('header not printable', name)
  if (text !== '' && !isJson(text)) fault('no JSON', text)
  if (
    status >= 400 &&
    !(headers.get('content-type') ?? '').startsWith('application/problem+json') &&
    method !== 'HEAD'
  )
    fault('no problem document', text)
  failures.push(
    ...leaks([text, ...told, ...reported, ...[...headers].flat()], [WRITER, READER, OTHER, PEPPER]),
  )
  const shown = good && /"key":"ak_live_/.test(text)
  const secrets = [...body.matchAll(new RegExp(KEY, 'g'))].flatMap(([key]) => piecesOf(key))
  failures.push(...leaks([...(shown ? [] : [text]), ...told, ...reported], secrets))
  if (told.some((line) => KEY.test(line))) fault('leak', 'a key in the record')
  const kind = /"type":"([^"]*)"/.exec(text)?.[1] ?? ''
  const problems = [...text.matchAll(/"message":"([^"`\d]{0,40})/g)].slice(0, 6).map(([, message]) => message)
  const shape = `${method} ${pathname.replace(/[^/]*\d[^/]*/g, '#').slice(0, 40)} ${status} ${kind}`
  return { failures, features: [shape, ...problems.map((message) => `${message}`)], allowed: good }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

const PATHS = [
  '/v1/keys', '/v1/keys/bot', '/v1/keys/import', '/v1/keys/verify', '/v1/keys/bot/rotate',
  '/v1/keys/bot/revoke', '/v1/revocations', '/v1/bans', '/v1/bans?network=192.0.2.7', '/v1/audit',
  '/v1/peppers', '/openapi.json', '/v1/keys?owner=ann&limit=1', '/v1/keys?after=x', '/v1/nothing',
] // biome-ignore format: a table
const BODIES = [
  '{"owner":"ann","roles":["user"],"expires":"2027-01-01T00:00:00Z"}',
  '{"id":"k2","owner":"ann","tenant":"acme","networks":["10.0.0.0/8"],"limits":["per-principal"],"permissions":["a:b"],"scopes":["s"]}',
  '{"key":"ak_live_0123456789abcdef0123456789abcdef"}',
  `{"keys":[{"id":"old","owner":"ann","digest":"sha256:${'a'.repeat(64)}"}]}`,
  '{"kind":"subject","issuer":"company","value":"ann","reason":"left"}',
  '{"kind":"token","issuer":"company","value":"jti-1","until":"2027-01-01T00:00:00Z"}',
  '{"network":"198.51.100.0/24","duration":"1h","reason":"guessing"}', '{"overlap":"0s"}',
  '{"description":null,"roles":[]}', '{}', '',
] // biome-ignore format: a table
const VALUES = [
  'null', '[]', '{}', '""', '-1', '1e400', 'true', '"\\u0000"', '"\\ud800"', '"__proto__"', '"10.0.0.5/8"',
  '"0.0.0.0/0"', '"\xff"', '["user","user"]', '"9999-12-31T23:59:59Z"', '"2026-02-30T00:00:00Z"',
  '"99999999d"',
] // biome-ignore format: a table
const NAMES = [
  'id', 'owner', 'tenant', 'email', 'roles', 'permissions', 'scopes', 'networks', 'limits', 'notBefore',
  'expires', 'description', 'digest', 'key', 'keys', 'kind', 'issuer', 'value', 'before', 'until', 'reason',
  'network', 'duration', 'overlap', '__proto__', 'constructor',
] // biome-ignore format: a table
const LINES = [
  'Content-Type: application/json', 'Content-Type: application/merge-patch+json', 'Content-Type: text/plain',
  'If-Match: "1"', 'If-Match: *', 'If-Match: x', 'Idempotency-Key: one', 'Content-Length: 9',
] // biome-ignore format: a table

function generate(dice: Dice): Input {
  const method = dice.pick(['POST', 'POST', 'POST', 'PATCH', 'DELETE', 'GET', 'PUT', 'HEAD'])
  let body = dice.pick(BODIES)
  while (dice.chance(45))
    body = body.replace(/\{/, () => `{"${dice.pick(NAMES)}":${dice.pick(VALUES)}${body === '{}' ? '' : ','}`)
  const lines = ['Content-Type: application/json', ...(dice.chance(40) ? [dice.pick(LINES)] : [])]
  return `${dice.pick(['w', 'w', 'w', 'w', 'r', 'n', 'x'])} ${method} ${dice.pick(PATHS)}\n${lines.join('\n')}\n\n${body}`
}

/** Requests of the admin API. */
export const admin: Target = {
  name: 'admin',
  what: 'requests of the admin API by writers, readers and strangers: never 5xx, no change by who may not, no key or token told',
  longest: 30_000,
  dictionary: [
    ...VALUES,
    ...NAMES.map((name) => `"${name}":`),
    ...LINES.map((line) => `\n${line}`),
    ...PATHS,
    '{',
    '}',
    '[',
    ']',
    ',',
    '%2f',
    '..',
    '?',
    '&',
    'limit=',
    'after=',
  ],
  seeds: PATHS.flatMap((path, at) => [
    `w GET ${path}\n\n`,
    `w POST ${path}\nContent-Type: application/json\n\n${BODIES[at % BODIES.length]}`,
  ]),
  generate,
  ordinary: ({ length }) => {
    const records = Array.from({ length: Math.max(1, Math.floor(length / 110)) }, (_, at) => ({
      id: `k${at}`,
      owner: 'ann',
      digest: `sha256:${String(at).padStart(64, 'b')}`,
    }))
    return `w POST /v1/keys/import\nContent-Type: application/json\n\n${JSON.stringify({ keys: records })}`
  },
  times: 25,
  open,
}

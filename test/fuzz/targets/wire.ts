import { once } from 'node:events'
import { type AddressInfo, connect } from 'node:net'
import { decide } from '../../../src/core/decide.ts'
import { mintKey } from '../../../src/credentials/api-key/form.ts'
import { recordLine } from '../../../src/http/record.ts'
import { createCheckHandler } from '../../../src/node/check-handler.ts'
import { Drain } from '../../../src/node/drain.ts'
import { createPlainServer } from '../../../src/node/listeners.ts'
import { compile } from '../../../src/policy/compile.ts'
import { hmacSha256 } from '../../../src/ports/node-crypto.ts'
import type { Dice } from '../../e2e/targets.ts'
import { environmentOf, outsideOf, policyOf, strong } from '../../support/policy.ts'
import { portsOf } from '../../support/ports.ts'
import { leaks, lineFaults } from '../answer.ts'
import type { Failure, Harness, Input, Judgement, Target } from '../target.ts'
import { MOMENT } from './moment.ts'

/** What proves that a check comes from the proxy; inputs write `{S}` and `{K}` for the secret and the key. */
const SECRET = strong('proxy')
const PEPPER = strong('pepper')
const KEY = mintKey('ak', 'acme', PEPPER, hmacSha256, () => 42)

const POLICY = `
proxies: { traefik: { peers: [127.0.0.1], secret: "\${S}" }, nginx: { peers: [127.0.0.1], secret: "\${S}" } }
apiKeys: { peppers: { v1: "\${P}" }, keys: { bot: { digest: "hmac-sha256:v1:${hmacSha256(PEPPER, KEY)}" } } }
routes:
  open: { match: { path: /open/** }, credentials: [anonymous] }
  app: { match: { path: /app/** }, credentials: [api-key] }
`

/** Milliseconds after which a connection that nobody closes is one that never ends. */
const PATIENCE = 20_000

async function open(): Promise<Harness> {
  const { engine } = compile(
    policyOf(POLICY, environmentOf({ S: SECRET, P: PEPPER })),
    outsideOf({ now: () => MOMENT }),
  )
  const lines: string[] = []
  const server = createPlainServer(
    createCheckHandler(
      {
        engine: () => engine,
        ports: portsOf({ now: () => MOMENT, ticks: () => 0 }),
        decide,
        record: (decision, facts) => void lines.push(recordLine(decision, facts)),
      },
      new Drain(),
    ),
  )
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  return {
    run: async (input) => {
      lines.length = 0
      const sent = input.replaceAll('{S}', SECRET).replaceAll('{K}', KEY)
      const { text, ended } = await exchange(port, sent)
      const told = [...lines]
      return () => judge(sent, text, ended, told)
    },
    close: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

/** Sends all bytes at once, and reads until the other side closes. */
async function exchange(
  port: number,
  sent: string,
): Promise<{ readonly text: string; readonly ended: boolean }> {
  const socket = connect({ port, host: '127.0.0.1' })
  const chunks: Buffer[] = []
  socket.on('data', (chunk: Buffer) => void chunks.push(chunk))
  // A reset is an answer too, once what came before it has been read.
  socket.on('error', () => socket.destroy())
  socket.end(Buffer.from(sent, 'latin1'))
  const closed = new Promise((resolve) => socket.once('close', resolve))
  const timer = setTimeout(() => socket.destroy(new Error('late')), PATIENCE)
  const started = performance.now()
  await closed
  clearTimeout(timer)
  return { text: Buffer.concat(chunks).toString('latin1'), ended: performance.now() - started < PATIENCE }
}

/** Every status that a connection may read. */
const STATUSES = new Set([200, 400, 401, 403, 404, 408, 413, 417, 429, 431, 503])

/** The secrets that stand only where secrets are read: one that was sent as a host or path is no secret any more. */
function hidden(sent: string): string[] {
  const rest = sent.replace(/^(?:x-postern-secret|x-api-key):.*$/gim, '')
  return [SECRET, KEY].filter((secret) => !rest.includes(secret))
}

interface Head {
  readonly status: number
  readonly lines: readonly string[]
}

/** The heads of all answers on a connection; null when it cannot be read as answers one after the other. */
function headsIn(text: string, sent: string, heads: Head[] = []): Head[] | null {
  if (text === '') return heads
  const [whole, status = '', fields = ''] =
    /^HTTP\/1\.1 (\d{3}) [ -~]*\r\n((?:[!-9;-~]+: [ -~]*\r\n)*)\r\n/.exec(text) ?? []
  if (whole === undefined) return null
  const lines = fields.split('\r\n').slice(0, -1)
  const length = Number(
    /^content-length: (\d+)$/i.exec(lines.find((line) => /^content-length:/i.test(line)) ?? '')?.[1] ?? 0,
  )
  const rest = text.slice(whole.length)
  // The answer to a HEAD check tells a length and has none.
  const body = sent.includes('HEAD') && /^(?:HTTP\/1\.1 \d|$)/.test(rest) ? 0 : length
  if (rest.length < body) return null
  return headsIn(rest.slice(body), sent, [...heads, { status: Number(status), lines }])
}

function judge(sent: string, text: string, ended: boolean, told: readonly string[]): Judgement {
  const failures: Failure[] = []
  const fault = (kind: string, detail: string) => void failures.push({ kind, detail })
  if (!ended) fault('no end', `nobody closed the connection within ${PATIENCE} ms`)
  const heads = headsIn(text, sent)
  if (heads === null) fault('answer', JSON.stringify(text.slice(0, 600)))
  for (const { status, lines } of heads ?? []) {
    if (!STATUSES.has(status)) fault('status', `${status}: ${lines.join(' | ')}`)
    if (!lines.some((line) => /^x-postern-status: \d{3}$/i.test(line)))
      fault('true status', `${status} does not tell it: ${lines.join(' | ')}`)
    if (status !== 200 && lines.some((line) => /^x-auth-/i.test(line)))
      fault('identity on a denial', lines.join(' | '))
  }
  for (const line of told) failures.push(...lineFaults(line))
  failures.push(...leaks([text, ...told], [PEPPER, ...hidden(sent)]))
  for (const line of told) if (line.includes('"reason":"internal"')) fault('caught crash', line)
  const passed = (heads ?? []).filter(({ status }) => status === 200)
  const known = passed.filter(({ lines }) => lines.some((line) => /^x-auth-user: bot$/i.test(line)))
  // Whatever the framing: no more can pass than there are lines that would have to stand in each.
  const count = (pattern: RegExp) => [...sent.matchAll(pattern)].length
  const proofs = count(new RegExp(`^x-postern-secret:[ \\t]*${SECRET}[ \\t]*\\r?$`, 'gim'))
  const paths = count(/^x-(?:forwarded|original)-uri:[ \t]*\/(?:open|app)(?:[/?;]|[ \t]*\r?$)/gim)
  const keys = count(new RegExp(`^x-api-key:[ \\t]*${KEY}[ \\t]*\\r?$`, 'gim'))
  if (passed.length > Math.min(proofs, paths))
    fault('breach', `${passed.length} passed, with ${proofs} secrets and ${paths} paths`)
  if (known.length > keys) fault('breach', `${known.length} passed as bot with ${keys} keys`)
  if (told.filter((line) => line.includes('"verdict":"allow"')).length > proofs) fault('breach', 'recorded')
  const reasons = told.map((line) => /"reason":(?:null|"(\w+)")/.exec(line)?.[1] ?? 'allow')
  const statuses = (heads ?? []).map(({ status }) => status)
  return {
    failures,
    features: [`${statuses.slice(0, 4)} ${reasons.slice(0, 3)}`],
    allowed: passed.length > 0,
  }
}

const CHECK = (target: string, method = 'GET', endpoint = '/check/traefik') =>
  [
    `${method} ${endpoint} HTTP/1.1`,
    'Host: postern',
    'X-Postern-Secret: {S}',
    'X-Forwarded-Method: GET',
    'X-Forwarded-Proto: https',
    'X-Forwarded-Host: app.example.com',
    `X-Forwarded-Uri: ${target}`,
    'X-Forwarded-For: 203.0.113.9',
    '',
    '',
  ].join('\r\n')

const NGINX = CHECK('/open/x', 'GET', '/check/nginx').replaceAll(/X-Forwarded-(Method|Uri)/g, 'X-Original-$1')
const LINES = [
  'X-API-Key: {K}', 'X-Postern-Secret: {S}', 'X-Forwarded-Uri: /open/y', 'X-Forwarded-For: 10.0.0.1',
  'Content-Length: 5', 'Content-Length: 0', 'Transfer-Encoding: chunked',
  'Transfer-Encoding: chunked, identity', 'Content-Length: 18446744073709551616', 'Connection: close',
  'Connection: X-Auth-User', 'Upgrade: websocket', 'Connection: Upgrade', 'Expect: 100-continue', 'Expect: x',
  'TE: trailers', ' folded: line', 'X-Auth-User: root', 'Host: a#b', 'HTTP2-Settings: AA',
] // biome-ignore format: a table
const PIECES = [
  '\r\n', '\n', '\r', '\r\n\r\n', ': ', ' ', '\t', '\0', '\x0b', '\x7f', '\xff', '0\r\n\r\n', '5\r\nhello\r\n',
  '?x=', '#', '%2f', '//', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'HTTP/1.0', 'HTTP/0.9',
  'http://postern/check/traefik', '{S}', '{K}', '/app/x', '/open/../app',
] // biome-ignore format: a table
const METHODS = ['GET', 'HEAD', 'POST', 'OPTIONS', 'TRACE', 'CONNECT', 'DELETE', 'get', 'PRI']

function generate(dice: Dice): Input {
  let text = ''
  do {
    const endpoint = dice.pick([
      '/check/traefik',
      '/check/traefik',
      '/check/traefik?x=y',
      '/check/nginx',
      '/check/traefik/',
      '/check%2ftraefik',
      'http://a/check/traefik',
      '*',
      '/',
    ])
    let one = dice.chance(15)
      ? NGINX
      : CHECK(dice.pick(['/open/x', '/app/x', '/other', '/open/%2e%2e/app']), dice.pick(METHODS), endpoint)
    for (let more = dice.below(4); more > 0; more--) {
      const at = one.indexOf('\r\n', dice.below(one.length))
      if (at > 0) one = `${one.slice(0, at)}\r\n${dice.pick(LINES)}${one.slice(at)}`
    }
    text +=
      one + (dice.chance(20) ? dice.pick(['hello', '5\r\nhello\r\n0\r\n\r\n', '0\r\n\r\n', '\r\n']) : '')
  } while (dice.chance(30))
  return text
}

/** Whole connections. */
export const wire: Target = {
  name: 'wire',
  what: 'the bytes of whole connections to the real listener: answers can be told apart, and no more pass than secrets, paths and keys were sent',
  longest: 80_000,
  dictionary: [...LINES.map((line) => `\r\n${line}`), ...PIECES, CHECK('/open/x')],
  seeds: [
    CHECK('/open/x'),
    CHECK('/app/x').replace('\r\n\r\n', '\r\nX-API-Key: {K}\r\n\r\n'),
    CHECK('/app/x'),
    NGINX,
    CHECK('/open/x', 'HEAD') + CHECK('/open/x'),
  ],
  generate,
  ordinary: ({ length }) => {
    const lines = Array.from(
      { length: Math.floor(Math.min(length, 40_000) / 36) },
      (_, at) => `X-Other-${at % 50}: some value of it`,
    )
    return CHECK('/open/x').replace('\r\n\r\n', ['', ...lines, '', ''].join('\r\n'))
  },
  times: 40,
  open,
}

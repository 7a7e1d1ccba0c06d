import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:http2'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { issueCertificates } from '../e2e/certificate.ts'
import { checkOf } from '../http/support.ts'
import { bytesOf, exchange, portOf, Wire } from './support.ts'

const MAIN = join(import.meta.dirname, '../../src/cli/main.ts')

let folder = ''
const children = new Set<ChildProcess>()
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'postern-serve-'))
})
afterEach(() => {
  for (const child of children) child.kill('SIGKILL')
  children.clear()
  rmSync(folder, { recursive: true })
})

const POLICY = `
listen: { check: 127.0.0.1:0, health: 127.0.0.1:0 }
proxies: { traefik: { peers: [127.0.0.1/32] } }
limits: { per-client: { by: client, rate: 1000000/second } }
routes: { open: { match: { path: /x/** }, credentials: [anonymous], limits: [per-client] } }
`

interface Served {
  readonly child: ChildProcess
  readonly out: () => string
  readonly err: () => string
  /** Exit code, or the signal that ended it. */
  readonly ended: Promise<number | string | null>
}

function postern(args: readonly string[], read = true): Served {
  const child = spawn(process.execPath, [MAIN, ...args], { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] })
  children.add(child)
  let out = ''
  let err = ''
  if (read)
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      out += text
    })
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    err += text
  })
  const ended = once(child, read ? 'close' : 'exit').then(
    ([code, signal]) => (code as number | null) ?? (signal as string),
  )
  return { child, out: () => out, err: () => err, ended }
}

interface Ready {
  readonly event: string
  readonly listen: Record<string, string>
  readonly version: string
  readonly policy: string
}

async function serve(policy: string, ...args: string[]): Promise<Served & { ready: Ready }> {
  writeFileSync(join(folder, 'postern.yaml'), policy)
  const served = postern(['serve', ...args])
  await vi.waitFor(() => {
    if (!served.out().includes('\n')) throw new Error(`not ready: ${served.err()}`)
  }, 10_000)
  return { ...served, ready: JSON.parse(served.out().split('\n')[0] ?? '') as Ready }
}

const check = (target = '/x/1') => bytesOf(checkOf('traefik', target))

describe('postern serve', () => {
  it('says in its first line where it listens, once it does', async () => {
    const { ready, child, ended } = await serve(POLICY)
    expect(ready).toEqual({
      event: 'ready',
      listen: {
        check: expect.stringMatching(/^127\.0\.0\.1:\d+$/),
        health: expect.stringMatching(/^127\.0\.0\.1:\d+$/),
      },
      version: expect.stringMatching(/^\d+\.\d+\.\d+/),
      policy: './postern.yaml',
    })
    expect((await exchange(portOf(ready.listen['check']), check()))?.status).toBe(200)
    expect((await fetch(`http://${ready.listen['health']}/readyz`)).status).toBe(200)
    child.kill('SIGTERM')
    expect(await ended).toBe(0)
  })

  it('takes --listen instead of listen.check, and writes one line for each decision', async () => {
    const { ready, child, ended, out } = await serve(POLICY, './postern.yaml', '--listen', '127.0.0.1:0')
    const port = portOf(ready.listen['check'])
    await exchange(port, check())
    await exchange(port, check('/other'))
    child.kill('SIGINT')
    expect(await ended).toBe(0)
    const lines = out()
      .trimEnd()
      .split('\n')
      .slice(1)
      .map((line) => JSON.parse(line))
    expect(lines).toMatchObject([
      { event: 'decision', verdict: 'allow', route: 'open', path: '/x/1' },
      { event: 'decision', verdict: 'deny', reason: 'route_missing', path: '/other' },
    ])
  })

  it('does not start with a policy that has problems: all of them on standard error, exit 1', async () => {
    writeFileSync(
      join(folder, 'bad.yaml'),
      'proxies: { traefik: {} }\nroutes: { a: { match: { path: x }, credentials: [nope] } }\n',
    )
    const served = postern(['serve', 'bad.yaml'])
    expect(await served.ended).toBe(1)
    expect(served.out()).toBe('')
    const lines = served.err().trimEnd().split('\n')
    expect(lines.length).toBeGreaterThanOrEqual(3)
    for (const line of lines) expect(line).toMatch(/^bad\.yaml:\d+:\d+ \S+: /)
  })

  it.each([
    [['serve', '--listen', 'nonsense'], /--listen/],
    [['serve', '--listen', '127.0.0.1:70000'], /--listen/],
    [['serve', '--nonsense'], /unknown option/],
    [['serve', 'a', 'b'], /too many arguments/],
    [['nonsense'], /unknown command/],
  ])('ends with 2 and a hint for %j', async (args, hint) => {
    const served = postern(args)
    expect(await served.ended).toBe(2)
    expect(served.err()).toMatch(hint)
    expect(served.out()).toBe('')
  })

  it.each(['check', 'health', 'tls'])(
    'names the address of listen.%s that is taken, exit 1, no stack',
    async (name) => {
      const blocker = createServer().listen(0, '127.0.0.1')
      await once(blocker, 'listening')
      const { port } = blocker.address() as { port: number }
      const { certificate, key } = issueCertificates()
      writeFileSync(join(folder, 'tls.crt'), certificate)
      writeFileSync(join(folder, 'tls.key'), key)
      const at = (listener: string) => `127.0.0.1:${listener === name ? port : 0}`
      const listen = `listen: { check: "${at('check')}", health: "${at('health')}", tls: { address: "${at('tls')}", certificate: { file: tls.crt }, key: { file: tls.key } } }`
      writeFileSync(join(folder, 'postern.yaml'), POLICY.replace(/listen: .*/, listen))
      const served = postern(['serve'])
      expect(await served.ended).toBe(1)
      expect([served.out(), served.err()]).toEqual([
        '',
        `postern: cannot listen on 127.0.0.1:${port} (listen.${name}${name === 'tls' ? '.address' : ''}): another process listens there\n`,
      ])
      blocker.close()
    },
  )

  it('SIGHUP: puts a changed policy in force, and keeps the old one when it has problems', async () => {
    const { ready, child, err, ended } = await serve(POLICY)
    const port = portOf(ready.listen['check'])
    const events = () =>
      err()
        .trim()
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line))
    writeFileSync(join(folder, 'postern.yaml'), POLICY.replace('/x/**', '/y/**'))
    child.kill('SIGHUP')
    await vi.waitFor(
      () => expect(events()).toMatchObject([{ level: 'info', event: 'policy_reloaded' }]),
      5000,
    )
    expect((await exchange(port, check('/x/1')))?.status).toBe(403)
    expect((await exchange(port, check('/y/1')))?.status).toBe(200)

    writeFileSync(join(folder, 'postern.yaml'), 'proxies: {}\nnonsense: 1\nroutes: 5\n')
    child.kill('SIGHUP')
    await vi.waitFor(() => expect(events()).toHaveLength(2), 5000)
    const { event, problems } = events()[1]
    expect([event, problems.length >= 2]).toEqual(['policy_refused', true])
    expect((await exchange(port, check('/y/1')))?.status).toBe(200)
    child.kill('SIGTERM')
    expect(await ended).toBe(0)
  })
})

describe('a stop under load', () => {
  it('answers every check that was sent over kept HTTP/1.1 connections', async () => {
    const { ready, child, ended, out } = await serve(POLICY)
    const port = portOf(ready.listen['check'])
    let sent = 0
    let answered = 0
    let last = 0
    const client = async (): Promise<void> => {
      for (;;) {
        const wire = await Wire.open(port).catch(() => null)
        if (wire === null) return
        for (let open = true; open; ) {
          sent++
          wire.send(check())
          const given = await wire.answer()
          if (given === null) break
          answered++
          expect(given.status).toBe(200)
          open = given.headers['connection'] !== 'close'
          if (!open) last++
        }
        wire.close()
      }
    }
    const clients = Array.from({ length: 24 }, client)
    await vi.waitFor(() => expect(answered).toBeGreaterThan(500), 10_000)
    child.kill('SIGTERM')
    await Promise.all(clients)
    expect(await ended).toBe(0)
    expect(answered).toBe(sent)
    expect(last).toBe(24)
    // And no audit line is lost on the way out: one for each answer, behind the ready line.
    expect(out().trimEnd().split('\n')).toHaveLength(answered + 1)
  })

  it('answers every check that it took over h2, and tells the proxy which ones it did not', async () => {
    const { ca, certificate, key } = issueCertificates()
    writeFileSync(join(folder, 'tls.crt'), certificate)
    writeFileSync(join(folder, 'tls.key'), key)
    const tls =
      'health: 127.0.0.1:0, tls: { address: 127.0.0.1:0, certificate: { file: tls.crt }, key: { file: tls.key } }'
    const { ready, child, ended, out } = await serve(POLICY.replace('health: 127.0.0.1:0', tls))
    const session = connect(`https://${ready.listen['tls']}`, { ca })
    let goaway = 0
    session.on('goaway', () => {
      goaway++
    })
    const headers = {
      ':path': '/check/traefik',
      ...Object.fromEntries(checkOf('traefik', '/x/1').map(([name, value]) => [name.toLowerCase(), value])),
    }
    let answered = 0
    const untaken: unknown[] = []
    const client = async (): Promise<void> => {
      while (!session.closed && !session.destroyed) {
        const stream = session.request(headers)
        try {
          const [answer] = (await once(stream, 'response')) as [{ ':status': number }]
          expect(answer[':status']).toBe(200)
          answered++
          stream.resume()
        } catch (error) {
          untaken.push((error as { message: string }).message)
        }
      }
    }
    const clients = Array.from({ length: 16 }, client)
    await vi.waitFor(() => expect(answered).toBeGreaterThan(300), 10_000)
    child.kill('SIGTERM')
    await Promise.all(clients)
    expect(await ended).toBe(0)
    expect(goaway).toBeGreaterThan(0)
    expect(out().trimEnd().split('\n')).toHaveLength(answered + 1)
    // Streams above the last one that GOAWAY names were not looked at; a proxy asks again on another connection.
    expect(untaken.length).toBeLessThanOrEqual(16)
    for (const message of untaken)
      expect(message).toMatch(/NGHTTP2_REFUSED_STREAM|NGHTTP2_CANCEL|GOAWAY|canceled/i)
  })
})

describe('standard output', () => {
  it('may be closed: checks go on, and the dropped lines are counted', async () => {
    const { ready, child, ended } = await serve(POLICY)
    child.stdout?.destroy()
    const port = portOf(ready.listen['check'])
    for (let i = 0; i < 5; i++) {
      expect((await exchange(port, check()))?.status).toBe(200)
      await new Promise((resolve) => setTimeout(resolve, 60))
    }
    const metrics = await (await fetch(`http://${ready.listen['health']}/metrics`)).text()
    expect(Number(/postern_audit_lines_dropped_total (\d+)/.exec(metrics)?.[1])).toBeGreaterThan(0)
    child.kill('SIGTERM')
    expect(await ended).toBe(0)
  })

  it('may be full: nobody waits for its reader, not even the end', async () => {
    writeFileSync(join(folder, 'postern.yaml'), POLICY)
    const blocker = createServer().listen(0, '127.0.0.1')
    await once(blocker, 'listening')
    const { port } = blocker.address() as { port: number }
    blocker.close()
    await once(blocker, 'close')
    const served = postern(['serve', '--listen', `127.0.0.1:${port}`], false)
    const wire = await vi.waitFor(() => Wire.open(port), 10_000)
    // Far more than a pipe holds.
    for (let i = 0; i < 1500; i++) {
      wire.send(check())
      expect((await wire.answer())?.status).toBe(200)
    }
    wire.close()
    const began = performance.now()
    served.child.kill('SIGTERM')
    expect(await served.ended).toBe(0)
    expect(performance.now() - began).toBeLessThan(5000)
  })
})

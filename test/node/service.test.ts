import { createServer } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import type { BuiltAuthenticator } from '../../src/credentials/contract.ts'
import type { Installation } from '../../src/node/service.ts'
import { allow, deny, engine } from '../http/support.ts'
import { freeCounters, portsOf } from '../support/ports.ts'
import { bytesOf, exchange, LOOPBACK, noFacts, portOf, type Started, startService, Wire } from './support.ts'

let started: Started | null = null
afterEach(async () => {
  await started?.service.stop(0)
  started = null
})

const health = async (path: string): Promise<Response> => fetch(`http://${started?.listen['health']}${path}`)

const authenticator = (age: number | null): BuiltAuthenticator => ({
  type: 'jwt',
  fallback: false,
  authenticate: () => ({ is: 'absent' }),
  keySets: () => [{ variant: 'company', age, fetches: 5, failures: 2 }],
})

describe('the health listener', () => {
  it('says that the process lives and is ready', async () => {
    started = await startService()
    expect([(await health('/livez')).status, await (await health('/readyz')).json()]).toEqual([
      200,
      { ready: true, degraded: [] },
    ])
    expect((await health('/livez')).headers.get('cache-control')).toBe('no-store')
  })

  it('stays ready without the keys of an issuer, and says so', async () => {
    started = await startService({ installation: { authenticators: [authenticator(null)] } })
    const response = await health('/readyz')
    expect([response.status, await response.json()]).toEqual([
      200,
      { ready: true, degraded: ['the keys of issuer company have not been fetched yet'] },
    ])
  })

  it('has no checks, and the check listener has none of it', async () => {
    started = await startService()
    expect((await health('/check/traefik')).status).toBe(404)
    for (const path of ['/livez', '/readyz', '/metrics']) {
      const given = await exchange(portOf(started.listen['check']), bytesOf([], `GET ${path} HTTP/1.1`))
      expect(given?.status).toBe(404)
    }
  })

  it('takes another port when the usual one is taken and the policy names none, and says so', async () => {
    const blocker = createServer()
    await new Promise<void>((resolve) => {
      blocker.once('error', () => resolve())
      blocker.listen(8082, '127.0.0.1', () => resolve())
    })
    started = await startService({ listening: { health: null } })
    expect(portOf(started.listen['health'])).not.toBe(8082)
    expect(started.events).toMatchObject([{ event: 'health_moved' }])
    expect((await health('/livez')).status).toBe(200)
    blocker.close()
  })
})

describe('metrics', () => {
  it('count decisions by verdict, reason, route and proxy, and show what others keep', async () => {
    let decision = allow()
    started = await startService({
      decide: () => decision,
      installation: { authenticators: [authenticator(12)] },
      reload: () => ({ ok: false, problems: 'postern.yaml:1:1 policy: is not a policy\n' }),
    })
    const port = portOf(started.listen['check'])
    await exchange(port, bytesOf())
    await exchange(port, bytesOf())
    decision = deny('role_missing')
    await exchange(port, bytesOf())
    await exchange(port, bytesOf([]))
    started.service.reload()
    const response = await health('/metrics')
    expect(response.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/)
    const lines = (await response.text()).split('\n')
    for (const line of [
      'postern_decisions_total{verdict="allow",reason="",route="app",proxy="traefik"} 2',
      'postern_decisions_total{verdict="deny",reason="role_missing",route="app",proxy="traefik"} 1',
      'postern_decisions_total{verdict="deny",reason="proxy_untrusted",route="",proxy="traefik"} 1',
      '# TYPE postern_decision_duration_seconds histogram',
      'postern_decision_duration_seconds_bucket{le="+Inf"} 4',
      'postern_decision_duration_seconds_count 4',
      'postern_key_set_age_seconds{issuer="company"} 12',
      'postern_key_set_fetches_total{issuer="company",result="good"} 3',
      'postern_key_set_fetches_total{issuer="company",result="failed"} 2',
      'postern_limiter_buckets 7',
      'postern_audit_lines_dropped_total 3',
      'postern_policy_reloads_total{result="refused"} 1',
      'postern_draining 0',
    ]) {
      expect(lines).toContain(line)
    }
    // Nobody's name, address, host or path: a label is a time series, and whoever asks may read it.
    expect(lines.filter((line) => line.startsWith('postern_')).join('\n')).not.toMatch(
      /ann|acme|198\.51|app\.example|\/x/,
    )
    expect(await (await health('/metrics')).text()).toContain(
      'reason="role_missing",route="app",proxy="traefik"} 1',
    )
  })
})

describe('a state that does not answer', () => {
  it('makes the service degraded, not unready, and is absent from figures that only it could give', async () => {
    started = await startService({
      figures: {
        store: { state: 'open', opened: 1, failures: 7, timeouts: 5 },
        knowledge: { revocations: 0, bans: 0, age: Number.POSITIVE_INFINITY },
        notices: null,
      },
      ports: portsOf({ counters: { ...freeCounters, size: () => null } }),
    })
    const health = (path: string) => fetch(`http://${started?.listen['health']}${path}`)
    const ready = await health('/readyz')
    expect(ready.status).toBe(200)
    expect(await ready.json()).toEqual({
      ready: true,
      degraded: ['the store does not answer', 'keys, revocations and bans of the store are not known yet'],
    })
    const metrics = await (await health('/metrics')).text()
    expect(metrics).toContain('postern_store_up 0\n')
    expect(metrics).toContain('postern_store_failures_total{cause="timeout"} 5\n')
    expect(metrics).toContain('postern_store_failures_total{cause="unavailable"} 2\n')
    expect(metrics).not.toMatch(/^postern_(?:limiter_buckets|revocations_age_seconds) /m)
  })
})

describe('the record', () => {
  it('tells of every denial where no allow is recorded, and both are counted', async () => {
    let verdicts = 0
    started = await startService({
      decide: () => (verdicts++ === 0 ? allow() : deny('client_banned')),
      installation: { recorded: 0 },
    })
    const port = portOf(started.listen['check'])
    for (const status of [200, 403]) expect((await exchange(port, bytesOf()))?.status).toBe(status)
    expect(started.records).toMatchObject([{ verdict: 'deny' }])
    const metrics = await (await health('/metrics')).text()
    expect(metrics.match(/^postern_decisions_total\{.*verdict="\w+".*\} 1$/gm)).toHaveLength(2)
  })
})

/** What a reload puts in force. */
const NEXT: Installation = {
  engine,
  authenticators: [],
  facts: noFacts,
  listening: { check: LOOPBACK, health: LOOPBACK, admin: null, tls: null },
  recorded: 1,
}

describe('a reload', () => {
  it('puts a new policy in force for the next check', async () => {
    const installation = { ...NEXT, engine: { proxies: new Map() } as never }
    started = await startService({ reload: () => ({ ok: true, installation }) })
    const port = portOf(started.listen['check'])
    expect((await exchange(port, bytesOf()))?.status).toBe(200)
    started.service.reload()
    expect((await exchange(port, bytesOf()))?.status).toBe(404)
    expect(started.events).toMatchObject([{ event: 'policy_reloaded' }])
  })

  it('changes the share of allowed decisions that are recorded', async () => {
    started = await startService({
      installation: { recorded: 0 },
      reload: () => ({ ok: true, installation: NEXT }),
    })
    const port = portOf(started.listen['check'])
    for (const recorded of [0, 1]) {
      expect((await exchange(port, bytesOf()))?.status).toBe(200)
      expect(started.records).toHaveLength(recorded)
      started.service.reload()
    }
  })

  it('keeps the old policy whatever is wrong with the new one, and reports all of it', async () => {
    const problems = 'a.yaml:1:1 routes: is missing\na.yaml:2:3 proxies: is empty\n'
    for (const reload of [
      () => ({ ok: false, problems }) as const,
      () => {
        throw new Error('a.yaml:1:1 routes: is missing\na.yaml:2:3 proxies: is empty')
      },
    ]) {
      const running = await startService({ reload })
      running.service.reload()
      expect(running.events).toMatchObject([
        {
          event: 'policy_refused',
          problems: ['a.yaml:1:1 routes: is missing', 'a.yaml:2:3 proxies: is empty'],
        },
      ])
      expect((await exchange(portOf(running.listen['check']), bytesOf()))?.status).toBe(200)
      await running.service.stop(0)
    }
  })

  it('says that changed addresses need a restart, every time, and takes the rest', async () => {
    const installation = {
      ...NEXT,
      listening: { check: { host: '127.0.0.1', port: 9 }, health: LOOPBACK, admin: null, tls: null },
    }
    started = await startService({ reload: () => ({ ok: true, installation }) })
    started.service.reload()
    started.service.reload()
    expect(started.events.map(({ event }) => event)).toEqual([
      'policy_reloaded',
      'restart_needed',
      'policy_reloaded',
      'restart_needed',
    ])
    expect((await exchange(portOf(started.listen['check']), bytesOf()))?.status).toBe(200)
  })
})

describe('the end', () => {
  it('answers what is under way and what still arrives, each as the last on its connection, and says not ready', async () => {
    let finish: () => void = () => {}
    let slow = true
    started = await startService({
      decide: () =>
        slow
          ? new Promise((resolve) => {
              finish = () => resolve(allow())
            })
          : allow(),
    })
    const port = portOf(started.listen['check'])
    const [underWay, idle] = [await Wire.open(port), await Wire.open(port)]
    slow = false
    idle.send(bytesOf())
    expect((await idle.answer())?.headers['connection']).toBe('keep-alive')
    slow = true
    underWay.send(bytesOf())
    await new Promise((resolve) => setTimeout(resolve, 20))

    const stopped = started.service.stop()
    const response = await health('/readyz')
    expect([response.status, await response.json()]).toMatchObject([503, { ready: false }])
    await expect(Wire.open(port)).rejects.toThrow('ECONNREFUSED')
    // A proxy that had just chosen this connection: a moment later its check is here.
    await new Promise((resolve) => setTimeout(resolve, 150))
    slow = false
    idle.send(bytesOf())
    expect(await idle.answer()).toMatchObject({ status: 200, headers: { connection: 'close' } })
    finish()
    expect(await underWay.answer()).toMatchObject({ status: 200, headers: { 'x-auth-user': 'ann' } })
    await Promise.all([idle.closed(), underWay.closed(), stopped])
    started = null
  })

  it('lets go of connections that say nothing, and does not wait long for one that never ends', async () => {
    started = await startService({ decide: () => new Promise(() => {}) })
    const port = portOf(started.listen['check'])
    const wires = await Promise.all([Wire.open(port), Wire.open(port)])
    // Half a request: never idle, never answered.
    wires[1].send('GET /check/traefik HTTP/1.1\r\nX-Fo')
    await new Promise((resolve) => setTimeout(resolve, 20))
    const began = performance.now()
    await started.service.stop(900)
    expect(performance.now() - began).toBeLessThan(1500)
    await Promise.all(wires.map((wire) => wire.closed()))
    started = null
  })
})

import { once } from 'node:events'
import { createServer } from 'node:net'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { pauseAfter } from '../../src/node/post.ts'
import { checkOf, SECRET } from '../http/support.ts'
import { childrenOf, figure, Place, parsed, type Ready, runs, type Served, signal } from './served.ts'
import { bytesOf, exchange, portOf, Wire } from './support.ts'

let place: Place
beforeEach(() => {
  place = new Place()
})
afterEach(() => place.leave())

const policyWith = (limit: string) => `
listen: { check: 127.0.0.1:0, health: 127.0.0.1:0 }
proxies: { traefik: { peers: [127.0.0.1/32] } }
limits: { per-client: { by: client, ${limit} } }
routes: { open: { match: { path: /x/** }, credentials: [anonymous], limits: [per-client] } }
`
const POLICY = policyWith('rate: 1000000/second')

const check = (target = '/x/1') => bytesOf(checkOf('traefik', target))

const decisions = (served: Served) => parsed(served.out()).filter(({ event }) => event === 'decision')
const events = (served: Served, name: string) => parsed(served.err()).filter(({ event }) => event === name)

/** Each process numbers its requests behind a random part of its own. */
const answering = (served: Served): number =>
  new Set(decisions(served).map(({ request }) => String(request).slice(0, 18))).size

interface Running extends Served {
  readonly ready: Ready
  readonly port: number
  readonly workers: () => number[]
  readonly health: (path: string) => Promise<Response>
  readonly metrics: () => Promise<string>
  readonly stop: () => Promise<void>
}

async function running(policy: string, workers: number | string): Promise<Running> {
  const served = await place.serve(policy, '--workers', String(workers))
  const health = (path: string) => fetch(`http://${served.ready.listen['health']}${path}`)
  return {
    ...served,
    port: portOf(served.ready.listen['check']),
    workers: () => childrenOf(served.child.pid ?? 0),
    health,
    metrics: async () => (await health('/metrics')).text(),
    stop: async () => {
      served.child.kill('SIGTERM')
      expect(await served.ended).toBe(0)
    },
  }
}

/** Asks on connections of their own until every worker has answered. */
async function askAll(service: Running, workers: number): Promise<number> {
  let asked = 0
  while (answering(service) < workers) {
    const answers = await Promise.all(Array.from({ length: 16 }, () => exchange(service.port, check())))
    for (const answer of answers) expect(answer?.status).toBe(200)
    asked += answers.length
    await vi.waitFor(() => expect(decisions(service)).toHaveLength(asked), 5000)
    expect(asked).toBeLessThan(5000)
  }
  return asked
}

/** A port on which nobody listens. */
async function closedPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return port
}

interface Load {
  answered: number
  /** Checks whose connection ended without an answer. */
  lost: number
  readonly statuses: Set<number>
  /** Ends the load; resolves when the last check has come to its end. */
  end(): Promise<void>
}

/** Clients that keep a connection as long as they are let, and clients that open one for each check. */
function load(port: number, { keeping = 8, opening = 4 } = {}): Load {
  let going = true
  const load: Load = {
    answered: 0,
    lost: 0,
    statuses: new Set(),
    end: async () => {
      going = false
      await Promise.all(clients)
    },
  }
  const client = async (keeps: boolean): Promise<void> => {
    while (going) {
      const wire = await Wire.open(port).catch(() => null)
      if (wire === null) return
      for (let open = true; open && going; ) {
        wire.send(check())
        const answer = await wire.answer()
        if (answer === null) load.lost++
        else {
          load.answered++
          load.statuses.add(answer.status)
        }
        open = keeps && answer !== null && answer.headers['connection'] !== 'close'
      }
      wire.close()
    }
  }
  const clients = Array.from({ length: keeping + opening }, (_, index) => client(index < keeping))
  return load
}

describe('postern serve --workers', () => {
  it('says once where it listens, and all workers answer there', async () => {
    const service = await running(POLICY, 3)
    expect(service.ready).toEqual({
      event: 'ready',
      listen: {
        check: expect.stringMatching(/^127\.0\.0\.1:\d+$/),
        health: expect.stringMatching(/^127\.0\.0\.1:\d+$/),
      },
      version: expect.any(String),
      policy: './postern.yaml',
      workers: 3,
    })
    expect(service.workers()).toHaveLength(3)
    expect(await (await service.health('/readyz')).json()).toEqual({
      ready: true,
      workers: { ready: 3, of: 3 },
      degraded: [],
    })
    await askAll(service, 3)
    await service.stop()
    expect(parsed(service.out()).filter(({ event }) => event === 'ready')).toHaveLength(1)
    expect(service.workers()).toEqual([])
  })

  it('admits exactly the burst of a limit over all workers', async () => {
    const service = await running(policyWith('rate: 1/day, burst: 200'), 2)
    let allowed = 0
    let denied = 0
    const ask = async (): Promise<void> => {
      for (let i = 0; i < 40; i++) {
        const answer = await exchange(service.port, check())
        if (answer?.status === 200) allowed++
        else if (answer?.status === 429) denied++
      }
    }
    await Promise.all(Array.from({ length: 16 }, ask))
    expect([allowed, denied]).toEqual([200, 440])
    await service.stop()
    expect(answering(service)).toBe(2)
  })

  it('share a limit out among them while the store does not answer', async () => {
    const store = `store: { redis: { url: "redis://127.0.0.1:${await closedPort()}" } }`
    const service = await running(`${store}\n${policyWith('rate: 1/day, burst: 40, onOutage: local')}`, 2)
    const allowedBy = () => {
      const allowed = decisions(service).filter(({ verdict }) => verdict === 'allow')
      const counts = Map.groupBy(allowed, ({ request }) => String(request).slice(0, 18))
      return [...counts.values()].map(({ length }) => length)
    }
    for (let asked = 0; asked < 2000 && allowedBy().join() !== '20,20'; asked += 16) {
      await Promise.all(Array.from({ length: 16 }, () => exchange(service.port, check())))
      await vi.waitFor(() => expect(decisions(service)).toHaveLength(asked + 16), 5000)
    }
    expect(allowedBy()).toEqual([20, 20])
    await service.stop()
  })

  it('replaces a worker that is killed under load; nobody gets a wrong answer, the others go on', async () => {
    const service = await running(POLICY, 2)
    const traffic = load(service.port)
    await vi.waitFor(() => expect(traffic.answered).toBeGreaterThan(300), 10_000)
    const [victim = 0, other] = service.workers()
    signal(victim, 'SIGKILL')
    await vi.waitFor(() => expect(events(service, 'worker_died')).toHaveLength(1), 5000)
    const before = traffic.answered
    await vi.waitFor(() => expect(traffic.answered).toBeGreaterThan(before + 300), 10_000)
    await vi.waitFor(
      async () =>
        expect(await (await service.health('/readyz')).json()).toMatchObject({
          workers: { ready: 2, of: 2 },
        }),
      10_000,
    )
    await traffic.end()
    expect(events(service, 'worker_died')).toMatchObject([{ pid: victim, by: 'SIGKILL' }])
    expect(service.workers()).toContain(other)
    expect(service.workers()).not.toContain(victim)
    expect([...traffic.statuses]).toEqual([200])
    // At most what was under way on the connections of that worker.
    expect(traffic.lost).toBeLessThanOrEqual(12)
    await service.stop()
  })

  it('loses no check and no audit line when it is told to stop under load', async () => {
    const service = await running(POLICY, 2)
    const traffic = load(service.port, { keeping: 16, opening: 0 })
    await vi.waitFor(() => expect(traffic.answered).toBeGreaterThan(500), 10_000)
    await service.stop()
    await traffic.end()
    expect(traffic.lost).toBe(0)
    expect([...traffic.statuses]).toEqual([200])
    expect(decisions(service)).toHaveLength(traffic.answered)
  })

  it('hands a sound policy to all workers on SIGHUP, and reports a refused one once', async () => {
    const service = await running(POLICY, 2)
    await askAll(service, 2)
    place.write('postern.yaml', 'proxies: {}\nnonsense: 1\nroutes: 5\n')
    service.child.kill('SIGHUP')
    await vi.waitFor(() => expect(events(service, 'policy_refused')).toHaveLength(1), 5000)
    // Whoever takes the place of a worker now serves what the others serve.
    signal(service.workers()[0] ?? 0, 'SIGKILL')
    await vi.waitFor(async () => expect((await service.health('/readyz')).status).toBe(200), 5000)
    await vi.waitFor(
      async () => expect(figure(await service.metrics(), 'postern_workers{state="serving"}')).toBe(2),
      10_000,
    )
    expect((await exchange(service.port, check()))?.status).toBe(200)

    place.write('postern.yaml', POLICY.replace('/x/**', '/y/**'))
    service.child.kill('SIGHUP')
    await vi.waitFor(() => expect(events(service, 'policy_reloaded')).toHaveLength(2), 5000)
    for (let i = 0; i < 40; i++) {
      expect((await exchange(service.port, check('/x/1')))?.status).toBe(403)
      expect((await exchange(service.port, check('/y/1')))?.status).toBe(200)
    }
    expect(events(service, 'policy_refused')).toHaveLength(1)
    const metrics = await service.metrics()
    expect(figure(metrics, 'postern_policy_reloads_total{result="applied"}')).toBe(1)
    expect(figure(metrics, 'postern_policy_reloads_total{result="refused"}')).toBe(1)
    await service.stop()
  })

  it('leaves nobody behind when the primary is killed', async () => {
    const service = await running(POLICY, 2)
    const workers = service.workers()
    expect(workers).toHaveLength(2)
    const traffic = load(service.port, { keeping: 8, opening: 0 })
    await vi.waitFor(() => expect(traffic.answered).toBeGreaterThan(100), 10_000)
    service.child.kill('SIGKILL')
    expect(await service.ended).toBe('SIGKILL')
    await traffic.end()
    expect(traffic.lost).toBe(0)
    expect(workers.filter(runs)).toEqual([])
  })

  it('does not wait for a worker that hangs: not for its figures, and at a second signal not for its end', async () => {
    const service = await running(POLICY, 2)
    const asked = await askAll(service, 2)
    await service.metrics()
    const [hanging = 0] = service.workers()
    signal(hanging, 'SIGSTOP')
    expect(await (await service.health('/readyz')).json()).toEqual({
      ready: true,
      workers: { ready: 1, of: 2 },
      degraded: ['1 of 2 workers answer'],
    })
    // What it had counted stands.
    expect(
      figure(
        await service.metrics(),
        'postern_decisions_total{verdict="allow",reason="",route="open",proxy="traefik"}',
      ),
    ).toBe(asked)
    expect((await exchange(service.port, check()))?.status).toBe(200)
    const began = performance.now()
    service.child.kill('SIGTERM')
    await vi.waitFor(() => expect(events(service, 'stopping')).toHaveLength(1), 5000)
    service.child.kill('SIGTERM')
    expect(await service.ended).toBe(0)
    expect(performance.now() - began).toBeLessThan(5000)
    expect(runs(hanging)).toBe(false)
  })
})

describe('the figures of several workers', () => {
  it('are added up where they count, and a dead worker takes nothing back', async () => {
    const service = await running(POLICY, 2)
    const asked = await askAll(service, 2)
    const total = 'postern_decisions_total{verdict="allow",reason="",route="open",proxy="traefik"}'
    const metrics = await service.metrics()
    expect(figure(metrics, total)).toBe(asked)
    expect(figure(metrics, 'postern_decision_duration_seconds_count')).toBe(asked)
    expect(figure(metrics, 'postern_decision_duration_seconds_bucket{le="+Inf"}')).toBe(asked)
    expect(figure(metrics, 'postern_store_up')).toBe(1)
    expect(figure(metrics, 'postern_worker_deaths_total')).toBe(0)
    const names = metrics.split('\n').filter((line) => line.startsWith('# TYPE'))
    expect(new Set(names).size).toBe(names.length)

    for (const pid of service.workers()) signal(pid, 'SIGKILL')
    await vi.waitFor(async () => {
      const text = await service.metrics()
      expect(figure(text, 'postern_worker_deaths_total')).toBe(2)
      expect(figure(text, 'postern_workers{state="serving"}')).toBe(2)
    }, 10_000)
    await exchange(service.port, check())
    const later = await service.metrics()
    expect(figure(later, total)).toBe(asked + 1)
    expect(figure(later, 'postern_decision_duration_seconds_count')).toBe(asked + 1)
    await service.stop()
  })
})

describe('several workers that cannot start', () => {
  it.each(['0', '65', '1.5', 'many', '', '-1'])('end with 2 and a hint for --workers %j', async (number) => {
    const served = place.postern(['serve', `--workers=${number}`])
    expect(await served.ended).toBe(2)
    expect([served.out(), served.err()]).toEqual(['', expect.stringMatching(/--workers/)])
  })

  it('refuse a store that is not shared, by its name', async () => {
    place.write('postern.yaml', `store: memory\n${POLICY}`)
    const served = place.postern(['serve', '--workers', '2'])
    expect(await served.ended).toBe(1)
    expect(served.out()).toBe('')
    expect(served.err()).toMatch(/^postern: store: memory is not shared[^\n]*\n$/)
  })

  it('print the problems of a policy once', async () => {
    place.write('postern.yaml', 'proxies: { traefik: {} }\nroutes: { a: { match: { path: x } } }\n')
    const served = place.postern(['serve', '--workers', '4'])
    expect(await served.ended).toBe(1)
    expect(served.out()).toBe('')
    const lines = served.err().trimEnd().split('\n')
    expect(lines.length).toBeGreaterThanOrEqual(2)
    expect(new Set(lines).size).toBe(lines.length)
    for (const line of lines) expect(line).toMatch(/^\.\/postern\.yaml:\d+:\d+ \S+: /)
  })

  it.each(['check', 'health'])('name the address of listen.%s that is taken, once', async (name) => {
    const blocker = createServer().listen(0, '127.0.0.1')
    await once(blocker, 'listening')
    const { port } = blocker.address() as { port: number }
    place.write('postern.yaml', POLICY.replace(`${name}: 127.0.0.1:0`, `${name}: "127.0.0.1:${port}"`))
    const served = place.postern(['serve', '--workers', '3'])
    expect(await served.ended).toBe(1)
    expect([served.out(), served.err()]).toEqual([
      '',
      `postern: cannot listen on 127.0.0.1:${port} (listen.${name}): another process listens there\n`,
    ])
    blocker.close()
  })
})

describe('a worker that dies again and again', () => {
  it('is replaced after a pause that doubles up to a bound', () => {
    expect([0, 1, 2, 3, 7, 8, 9, 1000].map(pauseAfter)).toEqual([
      0, 100, 200, 400, 6400, 10_000, 10_000, 10_000,
    ])
  })

  it('leaves the service up, says why, and is back as soon as it can be', async () => {
    place.write('secret', SECRET)
    const policy = POLICY.replace('peers: [127.0.0.1/32]', 'peers: [127.0.0.1/32], secret: { file: secret }')
    const service = await running(policy, 2)
    place.write('secret', '')
    signal(service.workers()[0] ?? 0, 'SIGKILL')
    await vi.waitFor(() => expect(events(service, 'worker_died').length).toBeGreaterThanOrEqual(3), 20_000)
    const deaths = events(service, 'worker_died').slice(0, 3)
    expect(deaths).toMatchObject([
      { by: 'SIGKILL', pause_ms: 100 },
      { by: 1, pause_ms: 200, problems: [expect.stringMatching(/^\.\/postern\.yaml:\d+:\d+ \S*secret/)] },
      { by: 1, pause_ms: 400 },
    ])
    expect((await exchange(service.port, check()))?.status).toBe(200)
    expect(await (await service.health('/readyz')).json()).toMatchObject({
      ready: true,
      workers: { ready: 1, of: 2 },
    })
    place.write('secret', SECRET)
    await vi.waitFor(
      async () => expect(figure(await service.metrics(), 'postern_workers{state="serving"}')).toBe(2),
      20_000,
    )
    await service.stop()
  })
})

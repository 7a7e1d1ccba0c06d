/** Who runs the service while clients use it: keys, revocations, bans, reloads, rotated issuers, a store that goes. */
import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { Dice } from '../e2e/targets.ts'
import type { Buckets } from './buckets.ts'
import type { Issuers } from './issuers.ts'
import type { KeyFacts } from './oracle.ts'
import type { Held, People } from './people.ts'
import type { Version } from './policy.ts'
import type { Service } from './service.ts'
import type { RestartedRedis } from './store.ts'
import { type Ban, type Change, type Outage, revocationOf, type World } from './world.ts'

export interface OperatorOptions {
  readonly seed: number
  readonly service: Service
  readonly redis: RestartedRedis
  readonly issuers: Issuers
  readonly people: People
  readonly world: World
  readonly buckets: Buckets
  readonly adminToken: string
  readonly policy: (version: Version) => string
  /** Milliseconds between two restarts of the store. */
  readonly period: number
  over(): boolean
  complain(reason: string, detail: string): void
}

/** Seconds for which the store stays away, in turn: a blink, a moment, and long enough that what is known grows old. */
const AWAY = [1, 4, 2, 13] as const
/** Milliseconds within which the service has to work with a store that is back. */
const HEALED_WITHIN = 30_000
const WANTED_KEYS = 8

export class Operator {
  readonly #options: OperatorOptions
  readonly #dice: Dice
  readonly #held: { readonly id: string; readonly held: Held<KeyFacts> }[] = []
  /** For requests from networks that are banned. */
  readonly banned: { readonly network: string; readonly ban: Ban }[] = []
  readonly deeds: Record<string, number> = {}
  #reloaded: () => void = () => {}
  #known = 0

  constructor(options: OperatorOptions) {
    this.#options = options
    this.#dice = new Dice(options.seed * 1000 + 999)
  }

  /** Does everything there is to do until the run is over. */
  async work(): Promise<void> {
    await Promise.all([
      this.#restarts(),
      this.#reloads(),
      this.#every(900, () => this.#revoke()),
      this.#every(1100, () => this.#tendKeys()),
      this.#every(7000, () => this.#ban()),
      this.#every(45_000, async () => this.#rotate('rs')),
      this.#every(70_000, async () => this.#rotate('es')),
    ])
  }

  /** Hears what the service tells its operator. @returns whether it is something that is expected here */
  heard(line: string): boolean {
    const said = jsonOf(line)
    const event = String(said?.['event'] ?? '')
    if (event === 'policy_reloaded' || event === 'policy_refused') this.#reloaded()
    if (event === 'store_unavailable') this.#noteOutage()
    if (event !== '') this.deeds[event] = (this.deeds[event] ?? 0) + 1
    // Whose set nobody serves is told of; any other failure of an issuer is none that was caused here.
    if (event === 'key_set_failed') return String(said?.['issuer']).includes('gone')
    return EXPECTED.includes(event)
  }

  async #every(milliseconds: number, deed: () => Promise<void>): Promise<void> {
    while (!this.#options.over()) {
      await deed()
      await this.#wait(milliseconds)
    }
  }

  /** Waits, but not beyond the end. */
  async #wait(milliseconds: number): Promise<void> {
    const end = performance.now() + milliseconds
    while (!this.#options.over() && performance.now() < end)
      await delay(Math.min(200, Math.max(1, end - performance.now())))
  }

  #did(deed: string): void {
    this.deeds[deed] = (this.deeds[deed] ?? 0) + 1
  }

  async #restarts(): Promise<void> {
    const { redis, period, world, buckets, over } = this.#options
    for (let turn = 0; ; turn++) {
      await this.#wait(turn === 0 ? period / 2 : period)
      if (over()) return
      const emptied = turn % 2 === 1
      const outage: Outage = { from: Date.now(), up: null, healed: null, emptied, mistaken: false }
      world.outages.push(outage)
      await redis.down(emptied)
      // By now it has gone; what it had charged before is gone with it.
      if (emptied) buckets.emptied(Date.now())
      await this.#wait(Math.min((AWAY[turn % AWAY.length] ?? 1) * 1000, period / 3))
      await redis.up()
      outage.up = Date.now()
      this.#did(emptied ? 'store killed and emptied' : 'store restarted')
      await this.#heals(outage)
    }
  }

  async #heals(outage: Outage): Promise<void> {
    const { service, complain } = this.#options
    const end = Date.now() + HEALED_WITHIN
    while (Date.now() < end && !service.ended) {
      const up = await service.figure('postern_store_up')
      const age = await service.figure('postern_revocations_age_seconds')
      if (up === 1 && age !== null && age * 1000 < Date.now() - (outage.up ?? outage.from)) {
        outage.healed = Date.now()
        return
      }
      await delay(100)
    }
    outage.healed = Date.now()
    complain('the service does not work with a store that is back', `for ${HEALED_WITHIN} ms`)
  }

  /** The store did not answer in time although it was there: that too is a time in which it was away. */
  #noteOutage(): void {
    const { world } = this.#options
    const now = Date.now()
    if (world.away({ sent: now, answered: now })) return
    const outage: Outage = { from: now - 2000, up: now, healed: null, emptied: false, mistaken: true }
    world.outages.push(outage)
    this.#did('store slow for the machine')
    void this.#heals(outage)
  }

  async #reloads(): Promise<void> {
    const { service, policy, world, complain, over } = this.#options
    let version: Version = 'A'
    for (let turn = 1; ; turn++) {
      await this.#wait(4000)
      if (over()) return
      const text = policy(version)
      if (turn % 4 === 3) {
        await this.#reload(text.replace('"routes":{', '"routes":{"broken":{"match":{}},'))
        this.#did('refused reload')
        continue
      }
      if (turn % 2 === 0) version = version === 'A' ? 'B' : 'A'
      const change: Change = { asked: Date.now(), done: null }
      if (turn % 2 === 0) world.switching(version, change)
      const heard = await this.#reload(policy(version))
      // The file may have been read before the request that is told of was answered, not later.
      if (heard) change.done = Date.now()
      else if (!service.ended) complain('a reload was not told of', version)
      this.#did(turn % 2 === 0 ? 'changed reload' : 'unchanged reload')
    }
  }

  async #reload(text: string): Promise<boolean> {
    const heard = new Promise<boolean>((resolve) => {
      this.#reloaded = () => resolve(true)
    })
    await this.#options.service.reload(text)
    return Promise.race([heard, delay(20_000, false, { ref: false })])
  }

  #rotate(issuer: 'rs' | 'es'): void {
    if (this.#known++ < 2) return // the first turn comes with the start
    this.#options.issuers.rotate(issuer)
    this.#did('issuer changed its keys')
  }

  async #revoke(): Promise<void> {
    const { people, world } = this.#options
    const person = people.some(this.#dice, this.#dice.pick(['rs', 'es', 'ed', 'hs'] as const))
    const { facts } = person.token(this.#options.issuers)
    const drawn = this.#dice.pick(['subject', 'token', 'session'] as const)
    // The API takes no control character; such a principal can be withdrawn by its tokens and sessions.
    const kind = drawn === 'subject' && /[\u0000-\u001f]/.test(facts.id) ? 'token' : drawn
    const value = { subject: facts.id, token: facts.jti, session: facts.sid }[kind]
    const now = Math.floor(Date.now() / 1000)
    const change: Change = { asked: Date.now(), done: null }
    person.withdrawn = now
    world.revoking(
      revocationOf(person.issuer, kind, value),
      kind === 'token' ? Number.MAX_VALUE : now,
      change,
    )
    const before = kind === 'token' ? {} : { before: new Date(now * 1000).toISOString() }
    // By then every token that it refuses has expired.
    const until = new Date(Date.now() + 330_000).toISOString()
    const body = { kind, issuer: person.issuer, value, until, ...before }
    const answer = await this.#ask('POST', '/v1/revocations', body)
    if (answer?.ok) change.done = Date.now()
    this.#did(answer?.ok ? 'revoked' : 'revocation not confirmed')
    // For a while the old token is still presented, and must be refused.
    setTimeout(() => person.renew(), 2500).unref()
  }

  async #tendKeys(): Promise<void> {
    const alive = this.#held.filter(({ held }) => this.#alive(held.facts))
    if (alive.length < WANTED_KEYS) return this.#makeKey()
    const { id, held } = this.#dice.pick(alive)
    const deed = this.#dice.pick(['rotate', 'revoke', 'delete'] as const)
    const change: Change = { asked: Date.now(), done: null }
    if (held.facts.stored !== null) Object.assign(held.facts.stored, { ended: change })
    const answer =
      deed === 'delete'
        ? await this.#ask('DELETE', `/v1/keys/${id}`)
        : await this.#ask('POST', `/v1/keys/${id}/${deed}`, deed === 'rotate' ? { overlap: '0s' } : undefined)
    if (answer?.ok) change.done = Date.now()
    if (deed === 'rotate' && answer?.ok) this.#present(id, String(answer.json['key']), held.facts)
    this.#did(answer?.ok ? `key: ${deed}` : 'key: change not confirmed')
  }

  async #makeKey(): Promise<void> {
    const id = `key-${randomUUID().slice(0, 8)}`
    const own = this.#dice.chance(30)
    const facts: KeyFacts = {
      owner: `owner-of-${id}`,
      roles: ['user'],
      tenant: this.#dice.pick(['acme', null]),
      email: null,
      stored: null,
      from: null,
      limits: own ? ['key'] : [],
    }
    const { owner, roles, tenant, limits } = facts
    const body = { id, owner, roles, limits, ...(tenant === null ? {} : { tenant }) }
    const answer = await this.#ask('POST', '/v1/keys', body)
    if (answer?.ok) this.#present(id, String(answer.json['key']), facts)
    this.#did(answer?.ok ? 'key: create' : 'key: creation not confirmed')
  }

  #present(id: string, text: string, facts: KeyFacts): void {
    const held = { text, facts: { ...facts, stored: { made: Date.now(), ended: null } } }
    this.#held.push({ id, held })
    if (this.#held.length > 100) this.#held.shift()
    this.#options.people.ring.add(held)
  }

  #alive({ stored }: KeyFacts): boolean {
    const now = Date.now()
    if (stored === null || stored.ended !== null) return false
    return this.#options.world.lost(stored.made, { sent: now, answered: now }) === 'no'
  }

  async #ban(): Promise<void> {
    const network = `10.66.${this.#dice.below(250)}.`
    if (this.banned.some((one) => one.network === network)) return
    const imposed: Change = { asked: Date.now(), done: null }
    const lifted: Change | null = this.#dice.chance(50)
      ? { asked: Number.POSITIVE_INFINITY, done: null }
      : null
    const ban: Ban = { imposed, lifted, milliseconds: 12_000 }
    this.banned.push({ network, ban })
    if (this.banned.length > 6) this.banned.shift()
    const answer = await this.#ask('POST', '/v1/bans', { network: `${network}0/24`, duration: '12s' })
    if (answer?.ok) imposed.done = Date.now()
    this.#did(answer?.ok ? 'banned' : 'ban not confirmed')
    if (lifted === null) return
    await this.#wait(4000)
    Object.assign(lifted, { asked: Date.now() })
    const undone = await this.#ask('DELETE', `/v1/bans?network=${network}0/24`)
    if (undone?.ok) lifted.done = Date.now()
    this.#did(undone?.ok ? 'ban lifted' : 'lift not confirmed')
  }

  /** One request to the admin API; null when nobody answers. */
  async #ask(
    method: string,
    path: string,
    body?: object,
  ): Promise<{ readonly ok: boolean; readonly json: Record<string, unknown> } | null> {
    const { service, adminToken } = this.#options
    try {
      const response = await fetch(`http://${service.listen['admin']}${path}`, {
        method,
        headers: {
          Authorization: `Bearer ${adminToken}`,
          ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(10_000),
      })
      const text = await response.text()
      const json = jsonOf(text) ?? {}
      if (!response.ok && response.status !== 503 && response.status !== 404)
        this.#options.complain(`the admin API answered ${response.status}`, `${method} ${path} ${text}`)
      return { ok: response.ok, json }
    } catch (error) {
      if (!service.ended) this.#options.complain('the admin API gave no answer', `${method} ${path} ${error}`)
      return null
    }
  }
}

/** What a service may say here. */
const EXPECTED = [
  ...['store_unavailable', 'store_available', 'store_emptied', 'client_banned'],
  ...['policy_reloaded', 'policy_refused', 'key_set_recovered', 'admin_store_fault', 'stopping', 'stopped'],
]

function jsonOf(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : null
  } catch {
    return null
  }
}

/** Holds every answer, arrival and record against the oracle, and keeps what was wrong. */
import { selectionsOf } from '../e2e/oracle.ts'
import { header, type Line } from '../e2e/wire.ts'
import { Buckets } from './buckets.ts'
import { type Identity, type Ruling, rule } from './oracle.ts'
import type { Order } from './traffic.ts'
import { type Arrival, ECHO } from './upstream.ts'
import type { Span, World } from './world.ts'

/** Something that must not be, with all that it takes to look for it. */
export interface Violation {
  readonly reason: string
  readonly kind: string
  readonly nonce: string
  /** Seconds since the beginning. */
  readonly at: number
  readonly request: string
  readonly answer: string
}

/** What a client got. */
export interface Reply {
  readonly status: number
  readonly lines: readonly Line[]
  readonly body: string
}

/** What Postern wrote of a decision. */
interface Written {
  readonly path: string | null
  /** Its id, which a denial names as `instance`. */
  readonly request: string
  readonly verdict: 'allow' | 'deny'
  readonly reason: string | null
  readonly client: string | null
  readonly degraded: readonly string[]
  readonly cause?: string
}

/** What the record of a decision says that took longer than any may. It names nothing but its id. */
const LATE = 'no decision within 400 ms'

interface Case {
  readonly order: Order
  readonly sent: number
  readonly provisional: Ruling
  arrivals: number
  ruling: Ruling | null
  span: Span | null
  status: number
  written: Written | null
  /** Judges an answer that a late decision would explain, once it is known to be none. */
  late: (() => void) | null
}

/** Milliseconds after which a request without an answer, or a record that did not come, is a violation. */
const PATIENCE = 35_000
/** Violations of one kind that are kept in full, and of all kinds. */
const KEPT = { alike: 3, all: 100 }

/** Names that an upstream might take for one of the identity headers. */
const IDENTITY = ['id', 'user', 'email', 'roles', 'permissions', 'tenant', 'method'].map(
  (each) => `x-auth-${each}`,
)
/** Names that no request may bring to an upstream, whoever wrote them. */
const NEVER = [
  ...['x-postern-secret', 'x-postern-status', 'x-forwarded-user', 'remote-user', 'x-original-url'],
  ...['x-http-method-override', 'forwarded', 'x-rewrite-url'],
]

/** Patterns of the policy for odd paths, and which of their routes need no credential. */
const PATTERNS = [
  'public',
  'open',
  'users',
  'admin',
  'mcp',
  'search',
  'vault',
  'internal',
  'keys',
  'keyed',
  'gone',
  'changing',
]
  .map((route) => ({ route, path: `/${route}/${{ users: ':id/', mcp: ':server/' }[route] ?? ''}**` }))
  .concat([{ route: 'health', path: '/health' }])
const FREE = ['public', 'open', 'health']

export class Court {
  readonly violations: Violation[] = []
  /** How often which class was answered how. */
  readonly answers = new Map<string, Map<string, number>>()
  readonly reasons = new Map<string, number>()
  readonly buckets: Buckets
  readonly #world: World
  readonly #began = Date.now()
  readonly #cases = new Map<string, Case>()
  /** Answers that only an absent store explains, outside of the times in which it was known to be away. */
  readonly #unexplained: { readonly span: Span; readonly entry: Case }[] = []
  found = 0
  arrived = 0
  records = 0
  /** Answers of 503 by the id of their decision, until its record has come; records of late decisions likewise. */
  readonly #unavailable = new Map<string, Case>()
  readonly #late = new Set<string>()
  /** Decisions without the store, while it was there, and decisions out of time: a matter of the machine. */
  slow = 0
  late = 0

  constructor(world: World) {
    this.#world = world
    this.buckets = new Buckets(world.workers)
  }

  /** Requests whose answer or record has still to come. */
  get open(): number {
    const gone = ({ span, status }: Case): boolean => span !== null && status === 0
    return [...this.#cases.values()].filter((entry) => !gone(entry)).length
  }

  sending(order: Order): void {
    const sent = Date.now()
    const provisional = rule(order.claim, { sent, answered: sent }, this.#world)
    this.buckets.sending(provisional.buckets)
    const entry: Case = {
      ...{ order, sent, provisional, arrivals: 0 },
      ...{ ruling: null, span: null, status: 0, written: null, late: null },
    }
    this.#cases.set(order.nonce, entry)
  }

  /** A request reached the upstream: only one may that is allowed, and as nobody but who it is. */
  arrival({ nonce, target, lines }: Arrival): void {
    this.arrived++
    const entry = this.#cases.get(nonce)
    if (entry === undefined) {
      this.#accuse('a request arrived that nobody waits for', null, `${nonce} ${target}`)
      return
    }
    entry.arrivals++
    if (entry.arrivals > 1) this.#accuse('one request arrived twice', entry, target)
    if (entry.status !== 0 && entry.status !== 200)
      this.#accuse(`a request arrived that was answered with ${entry.status}`, entry, target)
    const span = { sent: entry.sent, answered: Date.now() }
    const { odd } = entry.order
    const { statuses, identities } = rule(entry.order.claim, span, this.#world)
    if (!statuses.has(200)) {
      this.#accuse('a request arrived that may not pass', entry, target)
      return
    }
    const wrong = odd ? oddTarget(target) : null
    if (wrong !== null) this.#accuse(wrong, entry, target)
    const strange = identityFault(lines, odd ? [ANONYMOUS] : identities)
    if (strange !== null) this.#accuse(strange, entry, target)
  }

  /** What a client got for its request; null when its connection was closed instead. */
  answer(nonce: string, reply: Reply | null): void {
    const entry = this.#cases.get(nonce)
    if (entry === undefined || entry.span !== null) return
    const { order } = entry
    const span = { sent: entry.sent, answered: Date.now() }
    const ruling = rule(order.claim, span, this.#world)
    const status = reply?.status ?? -1
    Object.assign(entry, { span, ruling, status })
    this.#count(order.kind, reply === null ? 'none' : String(status))
    if (reply === null) this.#accuse('the connection was closed without an answer', entry)
    else if (status === 503) this.#unavail(entry, reply, ruling, span)
    else this.#judge(entry, reply, ruling, span)
    this.buckets.settled(entry.provisional.buckets, span.answered, status === 200 || status === 503)
    this.#join(entry)
  }

  /** The client went away by itself; what arrives nevertheless was judged when it did. */
  aborted(nonce: string): void {
    const entry = this.#cases.get(nonce)
    if (entry === undefined || entry.span !== null) return
    this.#count(entry.order.kind, 'aborted')
    this.buckets.settled(entry.provisional.buckets, Date.now() + 1000, true)
    entry.span = { sent: entry.sent, answered: Date.now() }
    // It stays for as long as any other: a proxy may notice late that its client has gone.
    entry.status = 0
  }

  /** A line of the audit log. */
  record(line: string): void {
    if (/eyJ|ak_[0-9A-Za-z]{20}/.test(line))
      this.#accuse('a credential stands in a record', null, line.slice(0, 80))
    let written: Written
    try {
      written = JSON.parse(line)
    } catch {
      this.#accuse('a line of standard output is not a record', null, line.slice(0, 200))
      return
    }
    if (written.verdict === undefined) return
    this.records++
    this.reasons.set(written.reason ?? 'allow', (this.reasons.get(written.reason ?? 'allow') ?? 0) + 1)
    if (written.reason === 'internal') {
      if (written.cause !== LATE) this.#accuse('a decision failed', null, line.slice(0, 400))
      this.late++
      const entry = this.#unavailable.get(written.request)
      if (entry === undefined) this.#late.add(written.request)
      else this.#excuse(entry, written.request)
      return
    }
    const [, nonce] = /\/(n\d+)$/.exec(written.path ?? '') ?? []
    const entry = nonce === undefined ? undefined : this.#cases.get(nonce)
    if (entry === undefined) return
    entry.written = written
    if (entry.order.recorded && written.client !== entry.order.claim.client && !written.client?.includes(':'))
      this.#accuse(`the client was taken for ${written.client}`, entry)
    this.#join(entry)
  }

  /** Looks for what never came. */
  sweep(): void {
    const now = Date.now()
    for (const [nonce, entry] of this.#cases) {
      if (now - entry.sent < PATIENCE) continue
      if (entry.span !== null && entry.status === 0) this.#cases.delete(nonce)
      if (entry.span === null) this.#accuse('no answer came', entry)
      else if (entry.late !== null) entry.late()
      else if (entry.status > 0) this.#accuse('no record was written', entry)
      this.#cases.delete(nonce)
    }
  }

  /** Looks again, once everything is known, at what only an absent store explains. */
  close(): void {
    for (const { late } of this.#cases.values()) late?.()
    for (const { span, entry } of this.#unexplained) {
      if (this.#world.away(span)) continue
      this.slow++
      this.#count(entry.order.kind, '503 while the store was there')
    }
  }

  /** Something that is wrong with no request in particular. */
  complain(reason: string, detail: string): void {
    this.#accuse(reason, null, detail)
  }

  /** A 503 may be that of a decision out of time, which only its record can tell. */
  #unavail(entry: Case, reply: Reply, ruling: Ruling, span: Span): void {
    const [, id = ''] = /urn:uuid:([0-9a-f-]{36})/.exec(reply.body) ?? []
    if (this.#late.delete(id)) {
      this.#excuse(entry, id)
      return
    }
    if (!ruling.statuses.has(503) && !ruling.outage.has(503)) {
      entry.late = () => this.#judge(entry, reply, ruling, span)
    } else this.#judge(entry, reply, ruling, span)
    this.#unavailable.set(id, entry)
  }

  /** The request was answered with 503 because the machine had no time for it. */
  #excuse(entry: Case, id: string): void {
    this.#unavailable.delete(id)
    this.#cases.delete(entry.order.nonce)
    if (entry.arrivals > 0) this.#accuse('a request was denied with 503 and arrived', entry)
  }

  #judge(entry: Case, reply: Reply, ruling: Ruling, span: Span): void {
    const { status } = reply
    const { order } = entry
    if (status === 200) {
      if (!ruling.statuses.has(200)) this.#accuse(`200 where ${said(ruling)} was due`, entry)
      if (header(reply.lines, ECHO) !== order.nonce) this.#accuse('the answer of another request', entry)
      return
    }
    if (entry.arrivals > 0) this.#accuse(`a request was denied with ${status} and arrived`, entry)
    if (status === 429 && order.claim.settled === undefined) {
      const away = this.#world.away(span)
      if (!ruling.statuses.has(200) && !ruling.outage.has(200))
        this.#accuse(`429 where ${said(ruling)} was due`, entry, shown(reply))
      else if (!this.buckets.mayDeny(entry.provisional.buckets, span, away))
        this.#accuse('429 although the limit has room', entry, shown(reply))
    } else if (!ruling.statuses.has(status)) {
      if (ruling.outage.has(status)) this.#unexplained.push({ span, entry })
      else this.#accuse(`${status} where ${said(ruling)} was due`, entry, shown(reply))
    }
    if (order.claim.settled !== undefined) return
    const fault = denialFault(reply, order.method)
    if (fault !== null) this.#accuse(fault, entry, shown(reply))
  }

  /** With the answer and the record of a request both there, they must say the same. */
  #join(entry: Case): void {
    const { order, written, span, status, ruling } = entry
    if (span === null || status === 0 || (order.recorded && written === null)) return
    // Whose record names its path was decided in time; of one that has none nobody will know.
    if (entry.late !== null && written === null) return
    this.#cases.delete(order.nonce)
    if (written !== null) this.#unavailable.delete(written.request)
    entry.late?.()
    if (status === 200 && entry.arrivals === 0)
      this.#accuse('a request was allowed and did not arrive', entry)
    if (written !== null && (written.verdict === 'allow') !== (status === 200))
      this.#accuse(`recorded as ${written.verdict}, answered with ${status}`, entry)
    if (written !== null && (written.reason === 'limit_exceeded') !== (status === 429))
      this.#accuse(`recorded as ${written.reason}, answered with ${status}`, entry)
    const local = written?.degraded.includes('limits') === true
    if (local && !this.#world.away(span)) this.slow++
    if (status !== 200) return
    const over = this.buckets.admitted(ruling?.buckets ?? [], span.sent, Date.now(), local)
    if (over !== null) this.#accuse(over, entry)
  }

  #count(kind: string, outcome: string): void {
    const all = this.answers.get(kind) ?? new Map<string, number>()
    this.answers.set(kind, all.set(outcome, (all.get(outcome) ?? 0) + 1))
  }

  #accuse(reason: string, entry: Case | null, answer = ''): void {
    this.found++
    const { kind = '', nonce = '' } = entry?.order ?? {}
    const alike = this.violations.filter((one) => one.kind === kind && one.reason === reason)
    if (alike.length >= KEPT.alike || this.violations.length >= KEPT.all) return
    const at = (Date.now() - this.#began) / 1000
    this.violations.push({
      reason,
      kind,
      nonce,
      at,
      request: entry === null ? '' : told(entry.order),
      answer,
    })
  }
}

const ANONYMOUS: Identity = {
  ...{ 'x-auth-user': '', 'x-auth-email': '', 'x-auth-roles': '', 'x-auth-permissions': '' },
  ...{ 'x-auth-tenant': '', 'x-auth-method': 'anonymous' },
}

const said = ({ statuses }: Ruling): string => [...statuses].join(' or ')
const shown = ({ status, body }: Reply): string => `${status} ${body.slice(0, 300)}`

/** A request for people: what it carries, with credentials cut short. */
function told({ method, host, target, lines, claim }: Order): string {
  const short = lines.map(
    ([name, value]) => `${name}: ${value.length > 60 ? `${value.slice(0, 40)}...` : value}`,
  )
  return `${method} ${target} ${host} from ${claim.client}; ${short.join('; ')}`
}

/** What is wrong with the header that an upstream got; null when nothing is. */
function identityFault(lines: readonly string[], permitted: readonly Identity[]): string | null {
  const seen = new Map<string, string[]>()
  for (let index = 0; index < lines.length; index += 2) {
    const name = (lines[index] ?? '').toLowerCase()
    const plain = name.replace(/[^a-z0-9]/g, '-')
    if (plain !== name && IDENTITY.includes(plain)) return `an alias arrived: ${name}`
    if (NEVER.includes(plain)) return `${name} arrived`
    if (plain.startsWith('x-auth-')) seen.set(name, [...(seen.get(name) ?? []), lines[index + 1] ?? ''])
  }
  const fits = permitted.some((identity) =>
    Object.entries(identity).every(
      ([name, value]) => seen.get(name)?.length === 1 && seen.get(name)?.[0] === value,
    ),
  )
  if (fits && seen.size === 6) return null
  const got = [...seen].map(([name, values]) => `${name}: ${values.join(' | ')}`).join('; ')
  return `another identity arrived than ${JSON.stringify(permitted[0])}: ${got}`
}

/** An odd path may pass when every common reading of what arrives selects the same route, which needs no credential. */
function oddTarget(target: string): string | null {
  const path = target.split('?')[0] ?? ''
  const routes = new Set(selectionsOf(PATTERNS, path).map(({ route }) => route))
  const [route] = routes
  return routes.size === 1 && FREE.includes(route ?? '')
    ? null
    : `an odd path arrived that means ${[...routes].join(' or ')}`
}

/** What is wrong with a denial, whatever its status. */
function denialFault({ status, lines, body }: Reply, method: string): string | null {
  if (lines.some(([name]) => name.toLowerCase().startsWith('x-auth-'))) return 'a denial names a principal'
  if (header(lines, 'x-postern-status') !== String(status)) return `${status} is not by Postern`
  if (status === 401 && header(lines, 'www-authenticate') === null) return '401 without WWW-Authenticate'
  if ((status === 429 || status === 503) && !/^\d+$/.test(header(lines, 'retry-after') ?? ''))
    return `${status} without Retry-After`
  if (method === 'HEAD') return null
  try {
    return JSON.parse(body).status === status ? null : 'a problem document of another status'
  } catch {
    return 'a denial without a problem document'
  }
}

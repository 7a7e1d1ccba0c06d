/**
 * What becomes of clients when something that Postern depends on fails: the tables in docs/operations.md, and what the
 * suites in test/faults show row by row.
 */

/** Who asks in each situation, and the heading of their column. */
export const CLIENTS = {
  local: '`onOutage: local`',
  deny: '`onOutage: deny`',
  allow: '`onOutage: allow`',
  used: 'API key, used before',
  unused: 'API key, not used before',
  token: 'JWT',
  revoked: 'JWT, revoked before',
} as const

export type Client = keyof typeof CLIENTS

/** What a client gets, in the form of `answerText`. */
export type Answers = Readonly<Record<Client, string>>

interface Situation {
  readonly when: string
  readonly answers: Answers
}

const REVOKED = '401 credential_revoked'

/** Every situation that a fault of the store leads to. */
export const SITUATIONS = {
  whole: {
    when: 'the store answers',
    answers: {
      ...{ local: '200', deny: '200', allow: '200' },
      ...{ used: '200', unused: '200', token: '200', revoked: REVOKED },
    },
  },
  silent: {
    when: 'it is **silent**',
    answers: {
      ...{ local: '200 (limits)', deny: '503 limit_unavailable (limits)', allow: '200 (limits)' },
      ...{ used: '200', unused: '503 key_unavailable', token: '200', revoked: REVOKED },
    },
  },
  longSilent: {
    when: 'it has been silent for more than ten seconds (the record says so after 14 at the latest)',
    answers: {
      local: '200 (limits, revocations)',
      deny: '503 limit_unavailable (limits, revocations)',
      allow: '200 (limits, revocations)',
      used: '200 (keys, revocations)',
      unused: '503 key_unavailable (revocations)',
      token: '200 (revocations)',
      revoked: `${REVOKED} (revocations)`,
    },
  },
  tooLong: {
    when: 'it has been silent for longer than `maxStale`',
    answers: {
      local: '200 (limits, revocations)',
      deny: '503 limit_unavailable (limits, revocations)',
      allow: '200 (limits, revocations)',
      used: '503 key_unavailable (revocations)',
      unused: '503 key_unavailable (revocations)',
      token: '200 (revocations)',
      revoked: `${REVOKED} (revocations)`,
    },
  },
  unknown: {
    when: 'it has not answered since the service was started',
    answers: {
      local: '200 (limits, revocations)',
      deny: '503 limit_unavailable (limits, revocations)',
      allow: '200 (limits, revocations)',
      used: '503 key_unavailable (revocations)',
      unused: '503 key_unavailable (revocations)',
      token: '503 revocations_unavailable (revocations)',
      revoked: '503 revocations_unavailable (revocations)',
    },
  },
  full: {
    when: 'it **reads but does not write**, for as long as it takes',
    answers: {
      ...{ local: '200 (limits)', deny: '503 limit_unavailable (limits)', allow: '200 (limits)' },
      ...{ used: '200', unused: '200', token: '200', revoked: REVOKED },
    },
  },
  part: {
    when: 'it lost a **part** that holds limits only',
    answers: {
      local: '200 or 200 (limits)',
      deny: '200 or 503 limit_unavailable (limits)',
      allow: '200 or 200 (limits)',
      ...{ used: '200', unused: '200', token: '200', revoked: REVOKED },
    },
  },
  home: {
    when: 'it lost the part that holds **keys and revocations**, and limits too',
    answers: {
      local: '200 or 200 (limits)',
      deny: '200 or 503 limit_unavailable (limits)',
      allow: '200 or 200 (limits)',
      ...{ used: '200', unused: '503 key_unavailable', token: '200', revoked: REVOKED },
    },
  },
  emptied: {
    when: 'it answers, but was **emptied**',
    answers: {
      ...{ local: '200', deny: '200', allow: '200' },
      ...{ used: '401 key_unknown', unused: '401 key_unknown', token: '200', revoked: REVOKED },
    },
  },
} as const satisfies Readonly<Record<string, Situation>>

export type SituationName = keyof typeof SITUATIONS

/** One thing that may happen to a store. */
export interface Fault {
  readonly store: 'redis' | 'redis cluster' | 'upstash' | 'sqlite'
  readonly what: string
  /** What clients get while it lasts. */
  readonly during: SituationName
  /** What they get once it is over. */
  readonly after: 'whole' | 'emptied'
  readonly heals: string
  /** Events in the process's log, in their order. */
  readonly events: readonly string[]
  /** Why no test injects it. */
  readonly reasoned?: string
}

const WENT = ['store_unavailable', 'store_available'] as const

export const FAULTS = {
  'redis-frozen': {
    store: 'redis',
    what: 'frozen: connections stay open and nobody answers (`SIGSTOP`)',
    during: 'silent',
    after: 'whole',
    heals: 'when it goes on. It then executes the charges that were sent to it, each once.',
    events: WENT,
  },
  'redis-killed': {
    store: 'redis',
    what: 'killed, and started again with its data (`appendonly yes`)',
    during: 'silent',
    after: 'whole',
    heals: 'when it is back and has loaded its data',
    events: WENT,
  },
  'redis-emptied': {
    store: 'redis',
    what: 'killed, and started again empty',
    during: 'silent',
    after: 'emptied',
    heals: 'when it is back. Revocations are written back; keys and counters are gone.',
    events: [...WENT, 'store_emptied'],
  },
  'redis-replica': {
    store: 'redis',
    what: 'turned into a read-only replica',
    during: 'full',
    after: 'whole',
    heals: 'when it takes writes again',
    events: WENT,
  },
  'redis-memory': {
    store: 'redis',
    what: 'out of memory (`maxmemory` with `noeviction`)',
    during: 'full',
    after: 'whole',
    heals: 'when there is memory again',
    events: WENT,
  },
  'redis-password': {
    store: 'redis',
    what: 'its password was changed, and connections were closed',
    during: 'silent',
    after: 'whole',
    heals: 'when it takes the password of the policy again. Another one needs a restart.',
    events: WENT,
  },
  'redis-permission': {
    store: 'redis',
    what: 'our user lost its permissions (ACL)',
    during: 'silent',
    after: 'whole',
    heals: 'when it has them again',
    events: WENT,
  },
  'redis-slow': {
    store: 'redis',
    what: 'each answer comes 2 s late',
    during: 'silent',
    after: 'whole',
    heals: 'when answers come in time. What was sent meanwhile was charged, each once.',
    events: WENT,
  },
  'redis-absent': {
    store: 'redis',
    what: 'not there when the service starts',
    during: 'unknown',
    after: 'whole',
    heals: 'when it is there',
    events: ['store_not_opened'],
  },
  'redis-refuses': {
    store: 'redis',
    what: 'refuses the password of the policy when the service starts',
    during: 'unknown',
    after: 'whole',
    heals: 'when it takes that password. Another one needs a restart.',
    events: ['store_not_opened'],
  },
  'cluster-node': {
    store: 'redis cluster',
    what: 'a node is lost that has no replica, and comes back empty',
    during: 'part',
    after: 'whole',
    heals: 'when the node is back, or a replica has taken over. Counters that were only there start anew.',
    events: [],
  },
  'cluster-home': {
    store: 'redis cluster',
    what: 'the node with keys and revocations is lost, has no replica, and comes back empty',
    during: 'home',
    after: 'emptied',
    heals: 'when the node is back. Revocations are written back; keys are gone: give that node a replica.',
    events: ['store_emptied'],
  },
  'cluster-slots': {
    store: 'redis cluster',
    what: 'slots move to another node while requests go on',
    during: 'whole',
    after: 'whole',
    heals: 'at once: a command that was sent to the wrong node was not executed there and follows',
    events: [],
  },
  'upstash-rubbish': {
    store: 'upstash',
    what: 'the REST API answers 200 with something that is not JSON',
    during: 'silent',
    after: 'whole',
    heals: 'when answers make sense again',
    events: WENT,
  },
  'upstash-gateway': {
    store: 'upstash',
    what: 'a gateway in front of the REST API answers 502 with a page of HTML',
    during: 'silent',
    after: 'whole',
    heals: 'when the API answers itself again',
    events: WENT,
  },
  'upstash-hangs': {
    store: 'upstash',
    what: 'the REST API executes what it is asked and never answers',
    during: 'silent',
    after: 'whole',
    heals: 'when it answers again. What was sent meanwhile was charged, each once.',
    events: WENT,
  },
  'upstash-drops': {
    store: 'upstash',
    what: 'the REST API executes what it is asked and closes the connection',
    during: 'silent',
    after: 'whole',
    heals: 'when it answers again. What was sent meanwhile was charged, each once.',
    events: WENT,
  },
  'sqlite-locked': {
    store: 'sqlite',
    what: 'another process holds the lock for writing and does not let go',
    during: 'full',
    after: 'whole',
    heals: 'when the lock is free',
    events: WENT,
  },
  'sqlite-disk': {
    store: 'sqlite',
    what: 'the disk is full',
    during: 'full',
    after: 'whole',
    heals: 'when there is room again',
    events: WENT,
  },
  'sqlite-readonly': {
    store: 'sqlite',
    what: 'the process may no longer write the file',
    during: 'full',
    after: 'whole',
    heals: 'when it may write it again, and the files `-wal` and `-shm` beside it',
    events: WENT,
  },
  'sqlite-folder': {
    store: 'sqlite',
    what: 'the folder is gone, as with a volume that was detached',
    during: 'silent',
    after: 'whole',
    heals: 'when it is back with the file in it',
    events: WENT,
  },
  'sqlite-damaged': {
    store: 'sqlite',
    what: 'the file was overwritten by something that is no database',
    during: 'silent',
    after: 'whole',
    heals: 'when a good file is in its place. Nothing is repaired or overwritten.',
    events: WENT,
  },
  'sqlite-deleted': {
    store: 'sqlite',
    what: 'the file was deleted, or another one was put in its place',
    during: 'emptied',
    after: 'emptied',
    heals: 'at once, with a new file. Revocations are written back; keys and counters are gone.',
    events: ['store_emptied'],
  },
  'redis-failover': {
    store: 'redis',
    what: 'a replica takes over that lacks the last writes',
    during: 'silent',
    after: 'whole',
    heals:
      'when the address leads to the new server. What it lacks is gone: charges, and keys and revocations written in that moment.',
    events: WENT,
    reasoned:
      'how much a replica lacks is a matter of the moment; the outage itself is that of a killed server',
  },
  'redis-split': {
    store: 'redis',
    what: 'the network between instance and server drops packets',
    during: 'silent',
    after: 'whole',
    heals: 'when packets arrive again',
    events: WENT,
    reasoned: 'to the instance it is the frozen server above',
  },
  'sqlite-disk-fails': {
    store: 'sqlite',
    what: 'the disk answers with input or output errors',
    during: 'silent',
    after: 'whole',
    heals: 'when the disk does; the file is opened anew each time',
    events: WENT,
    reasoned: 'it takes a device that fails',
  },
} as const satisfies Readonly<Record<string, Fault>>

export type FaultName = keyof typeof FAULTS

/** One thing that may happen to an issuer's key set. */
interface IssuerFault {
  readonly what: string
  /** What a token gets whose key came into the set only during the fault. */
  readonly rotated: string
  /** Events in the process's log. */
  readonly events: readonly string[]
}

/** A token of an issuer whose set is held, and one of an issuer of which no set has come in yet. */
export const ISSUER_ANSWERS = { held: '200', cold: '503 issuer_unavailable' } as const

/** The set that is held goes on to be the truth, and does not hold the key. */
const NOT_IN_SET = '401 credential_invalid'
/** The answer is waited for, and does not come in time for the decision. */
const NOT_YET = '503 issuer_unavailable'
const FAILED = ['key_set_failed', 'key_set_recovered'] as const

export const ISSUER_FAULTS = {
  'issuer-down': { rotated: NOT_IN_SET, what: 'down: connections are refused', events: FAILED },
  'issuer-hangs': { rotated: NOT_YET, what: 'takes connections and says nothing', events: FAILED },
  'issuer-slow': { rotated: NOT_YET, what: 'answers after 2 s', events: [] },
  'issuer-oversized': { rotated: NOT_IN_SET, what: 'serves more than 256 KiB', events: FAILED },
  'issuer-redirects': { rotated: NOT_IN_SET, what: 'redirects, even to a good set', events: FAILED },
  'issuer-empty': { rotated: NOT_IN_SET, what: 'serves an empty key set', events: FAILED },
  'issuer-gateway': { rotated: NOT_IN_SET, what: 'answers 502 with a page of HTML', events: FAILED },
} as const satisfies Readonly<Record<string, IssuerFault>>

export type IssuerFaultName = keyof typeof ISSUER_FAULTS

/** What comes of a clock that steps by an hour, for a client that has spent `spent` units of a burst of ten, one in 6 s. */
export const CLOCK_STEPS = {
  'clock-forward': {
    step: 3_600_000,
    what: 'forward by an hour',
    spent: 10,
    admitted: 10,
    means: 'buckets are full, as after an hour: each client may spend one burst more than it should',
  },
  'clock-back': {
    step: -3_600_000,
    what: 'back by an hour',
    spent: 1,
    admitted: 0,
    means:
      'buckets that were in use are empty, as if all had just been spent, and fill at the usual rate: nobody waits for the hour',
  },
} as const

/** What a service does not start with: exit 1, and this on standard error. A store behind a network is waited for. */
export const START_REFUSALS = {
  'start-folder': {
    what: 'sqlite: the folder of the file does not exist',
    says: 'does not exist: make it first',
  },
  'start-damaged': { what: 'sqlite: the file is no database', says: 'the file is not a database' },
  'start-foreign': {
    what: 'sqlite: the file belongs to another program',
    says: 'belongs to another program',
  },
  'start-pepper': {
    what: 'any store: its keys were made with another pepper than the one of that name in the policy',
    says: 'holds keys that were made with another pepper v1',
  },
} as const satisfies Readonly<Record<string, { readonly what: string; readonly says: string }>>

export type StartRefusalName = keyof typeof START_REFUSALS

/** The outcome of a check in one form for tables and tests: `503 key_unavailable (revocations)`. */
export function answerText(given: {
  readonly status: number
  readonly reason: string | null
  readonly degraded: readonly string[]
}): string {
  const { status, reason, degraded } = given
  const words = reason === null ? `${status}` : `${status} ${reason}`
  return degraded.length === 0 ? words : `${words} (${degraded.join(', ')})`
}

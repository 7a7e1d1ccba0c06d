import { it } from 'vitest'
import type { Charge, Charged } from '../../../src/core/model.ts'
import type { Soon } from '../../../src/core/soon.ts'
import type { Change, EntryDraft, EntryKind, Store } from '../../../src/stores/contract.ts'

/** A fresh, empty store that is open, and what a test may do to it. */
export interface Rig {
  readonly store: Store
  /** The store's clock in milliseconds since the epoch. */
  now(): number
  /** Moves the store's clock, also backwards. Only where the traits say that there is one to move. */
  pass?(milliseconds: number): void
  /** Buckets that are held now. */
  held(): Soon<number>
  /** Milliseconds after which the only bucket goes away by itself, as the store's own expiry has it. */
  life?(): Promise<number>
  /** Another instance on the same data, open. Whoever asks for it need not close it. */
  second?(): Promise<Store>
  /** Takes all data away behind the store's back, as a restart without a disk or an operator would. */
  empty?(): Promise<void>
  /** Keeps the store from answering (a frozen server, a held lock). @returns how to let it go on */
  stall?(): Promise<() => Promise<void>>
  /** Closes and removes what this made. */
  end(): Promise<void>
}

/** What a store's suite declares, so that no test is left out by accident. */
export interface Traits {
  /** Whether `pass` moves the clock by which buckets fill, and the one by which entries expire. */
  readonly clock: { readonly charges: boolean; readonly entries: boolean }
  /** Several instances share it, by `second`. */
  readonly shared: boolean
  /** Whether a denied charge is undone by refunds (a cluster), so that others may be denied while that is under way. */
  readonly refunds: boolean
  /** Whether it goes on counting after `close`, because there is nothing to let go of. */
  readonly countsOn: boolean
  /** Whether the rig has `life`, `empty` and `stall`. */
  readonly life: boolean
  readonly empty: boolean
  readonly stall: boolean
  /** Milliseconds within which a stalled store's answers have to come. */
  readonly patience: number
}

export type Make = () => Promise<Rig>

/** A test for stores whose traits allow it; for others it says nothing, so that it is none. */
export function when(allowed: boolean, guarantee: string, body: () => Promise<void>): void {
  if (allowed) it(guarantee, body)
}

/** A test body on a rig of its own, which ends whatever happens. */
export const on = (make: Make, body: (rig: Rig) => Promise<void>) => async (): Promise<void> => {
  const rig = await make()
  try {
    await body(rig)
  } finally {
    await rig.end()
  }
}

/** Lets time pass: on the injected clock at once, else by asking the real one until it has. */
export async function elapse(rig: Rig, injected: boolean, milliseconds: number): Promise<void> {
  if (injected) {
    rig.pass?.(milliseconds)
    return
  }
  const until = rig.now() + milliseconds
  await eventually(async () => rig.now() >= until, milliseconds + 5000)
}

/** Asks until it is so; throws when it is not in time. */
export async function eventually(condition: () => Promise<boolean>, within = 5000): Promise<void> {
  const end = performance.now() + within
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`it was not so within ${within} ms`)
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
}

export const SECOND = 1_000_000
/** So long that no unit comes back while a test runs, for stores on a real clock. */
export const HOUR = 3_600_000_000

export const charge = (key: string, burst = 10, cost = 1, interval = HOUR): Charge => ({
  key,
  interval,
  burst,
  cost,
})

/** Charges, and insists on an answer. */
export async function spend(store: Store, ...charges: readonly Charge[]): Promise<Charged[]> {
  const { charged, cause } = await store.charge(charges)
  return charged.map((one) => {
    if (one === null) throw new Error(`the store did not answer: ${cause}`)
    return one
  })
}

/** Charges one bucket. */
export async function spendOne(store: Store, one: Charge): Promise<Charged> {
  const [charged] = await spend(store, one)
  return charged as Charged
}

export const draft = (id: string, part: Partial<EntryDraft> = {}): EntryDraft => ({
  kind: 'key',
  id,
  body: '{"v":1}',
  owner: null,
  aliases: [],
  expires: null,
  ...part,
})

export const put = (entry: EntryDraft, expected: number | 'absent' | 'any' = 'absent'): Change => ({
  put: entry,
  expected,
})

export const remove = (id: string, kind: EntryKind = 'key', expected: number | 'any' = 'any'): Change => ({
  remove: { kind, id },
  expected,
})

/** Writes, and insists that it happened. @returns the versions */
export async function write(store: Store, ...changes: readonly Change[]): Promise<readonly number[]> {
  const applied = await store.apply(changes, null)
  if (!applied.ok) throw new Error(`change ${applied.index}: ${applied.why}`)
  return applied.versions
}

/** Texts that a careless store would take for something else: 512 characters, in any script. */
export const HOSTILE: readonly string[] = [
  ' ',
  '{a}',
  'a}{b',
  '{}',
  '{',
  "it's",
  '"quoted"',
  'back\\slash',
  '%s %00 %',
  '*',
  '[a-z]?',
  '-1',
  '0',
  '1e3',
  'null',
  '__proto__',
  'constructor',
  'a:b|c,d;e',
  "'; DROP TABLE entries; --",
  'ключ 鍵 🔑',
  'e\u0301',
  '\u00e9',
  '\uff5e',
  '🔑',
  'x'.repeat(512),
  `${'x'.repeat(511)}y`,
  '鍵'.repeat(512),
]

/** By code point, as UTF-8 sorts. */
export const inOrder = (ids: readonly string[]): string[] =>
  ids.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))

/** What an attack is: a row of docs/security/attacks.md, and the requests or the tests that show what becomes of it. */
import type { Line } from '../e2e/wire.ts'
import type { Caller } from './stage.ts'

/** Where an attack is tried. `Node` is a running process, by bytes on its sockets, and by h2 where they can be sent. */
export const WAYS = ['in process', 'Node', 'workerd', 'proxies'] as const
export type Way = (typeof WAYS)[number]

/** One request of an attacker, as it is sent to the proxy; without a proxy, as one would describe it in a check. */
export interface Attempt {
  readonly method?: string
  readonly scheme?: string
  readonly host?: string
  /** Path and query, byte for byte. */
  readonly target?: string
  /** The chain of X-Forwarded-For as a proxy tells it; before a real proxy, what the client claims it to be. */
  readonly from?: string
  /** Lines of the client; made when they are sent where they hold something with a time. */
  readonly headers?: readonly Line[] | (() => readonly Line[])
  /** For a proxy: these bytes instead of a request made of the above. */
  readonly bytes?: string
  /** The true status where Postern gets to see exactly this request; 200 is an allow as `caller`. */
  readonly status: number
  /** The status for the contract of ingress-nginx where it is another one; null where nginx lets nobody send such a thing. */
  readonly ingressNginx?: number | null
  /** Whose identity an upstream may be told, if it is told any. */
  readonly caller?: Caller
  /** Whether the claims make the identity another one than the caller's usual; it is looked at elsewhere then. */
  readonly anyIdentity?: boolean
  /**
   * What may reach the upstream behind a proxy. `nothing` unless the status is 200. `harmless`: what the proxy made of
   * it, as long as that is open to the caller in every reading and says nothing of the attacker's choosing.
   */
  readonly arrives?: 'nothing' | 'harmless'
  /** All of those that the attack names, unless given. */
  readonly ways?: readonly Way[]
}

/** A test written by hand: its title is in the file. */
export interface Shown {
  /** Below test/. */
  readonly file: string
  readonly title: string
  readonly ways: readonly Way[]
}

export interface Attack {
  readonly id: string
  /** What the attacker sends, does or hopes for. */
  readonly attack: string
  /** Advisories, standards and weaknesses that it is known by. */
  readonly references: readonly string[]
  /** What becomes of it. */
  readonly outcome: string
  readonly attempts?: readonly Attempt[]
  /** Where the attempts are made; everywhere unless given. */
  readonly ways?: readonly Way[]
  readonly shown?: readonly Shown[]
  /** What could not be tried, and why. */
  readonly gap?: string
}

/** A chapter of the catalogue. */
export interface AttackClass {
  readonly name: string
  readonly intro: string
  readonly attacks: readonly Attack[]
}

/** The attempts that are made in one way. */
export const attemptsIn = ({ attempts = [], ways = WAYS }: Attack, way: Way): readonly Attempt[] =>
  attempts.filter((attempt) => (attempt.ways ?? ways).includes(way))

/** The title of a test, with the references that the row goes by. */
export const titled = ({ id, references }: Attack, says: string): string =>
  `${id} – ${says} (${references.join(', ')})`

/** Every pairing of two lists. */
export const crossed = <A, B>(some: readonly A[], others: readonly B[]): [A, B][] =>
  some.flatMap((one) => others.map((other): [A, B] => [one, other]))

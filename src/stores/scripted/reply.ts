import { StoreFault } from '../contract.ts'
import type { ScriptReply } from './runner.ts'

/** A reply that none of our scripts gives: a foreign key under our prefix, or something between that changes answers. */
export const rubbish = () =>
  new StoreFault('incompatible', 'the store answered something that is not an answer')

/** The parts of a reply that is a list. Throws where it is none. */
export function parts(reply: ScriptReply): readonly ScriptReply[] {
  if (Array.isArray(reply)) return reply
  throw rubbish()
}

/** The integer in a reply, which some servers and bridges write as a string. Throws where it is none. */
export function integer(reply: ScriptReply | undefined): number {
  const number = typeof reply === 'string' && reply !== '' ? Number(reply) : reply
  if (typeof number === 'number' && Number.isSafeInteger(number)) return number
  throw rubbish()
}

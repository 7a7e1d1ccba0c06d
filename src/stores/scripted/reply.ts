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

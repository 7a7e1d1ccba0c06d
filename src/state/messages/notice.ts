import type { Feed } from '../../stores/contract.ts'

/** What one instance tells the others: that something has happened on a feed. */
export interface Notice {
  /** Version of the key that signs it. */
  readonly key: string
  /** The process that sends it. */
  readonly sender: string
  /** Counts the sender's notices. */
  readonly sequence: number
  /** Milliseconds since the epoch at which it was sent. */
  readonly time: number
  readonly feed: Feed
}

/** A notice as it arrived, with what it has to prove. */
export interface Received {
  readonly notice: Notice
  readonly text: string
  readonly signature: string
}

const FEEDS: Readonly<Record<Feed, true>> = { access: true, bans: true }

/** No part of it can be longer than it should, so that nothing is read of a message that is. */
const FORM = /^(1 ([A-Za-z0-9_-]{1,32}) ([0-9a-f]{32}) (\d{1,15}) (\d{1,15}) ([a-z]{1,16})) ([0-9a-f]{64})$/

/** What is signed. The first field is the version of this form. */
export const textOf = ({ key, sender, sequence, time, feed }: Notice): string =>
  `1 ${key} ${sender} ${sequence} ${time} ${feed}`

/** A message's parts, none of them believed yet; null for what is no message of this form. */
export function read(message: string): Received | null {
  const [, text, key, sender, sequence, time, feed, signature] = FORM.exec(message) ?? []
  if (text === undefined || key === undefined || sender === undefined || signature === undefined) return null
  if (feed === undefined || !Object.hasOwn(FEEDS, feed)) return null
  const notice = { key, sender, sequence: Number(sequence), time: Number(time), feed: feed as Feed }
  return { notice, text, signature }
}

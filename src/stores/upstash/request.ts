import type { Redis } from '@upstash/redis/cloudflare'
import { StoreFault } from '../contract.ts'
import type { ScriptReply } from '../scripted/runner.ts'
import type { Command } from './lanes.ts'

/** What the server said to one command: its reply, or the first word of its error (`NOSCRIPT`, `OOM`). */
export type Answer = { readonly reply: ScriptReply } | { readonly refused: string }

/**
 * Sends commands as one pipeline, which is one HTTP request, once. Errors of single commands come back in
 * their places; everything else rejects with a StoreFault. The client reads an answer whole before anybody
 * can see how long it is: what bounds it is the time that the request may take.
 */
export async function request(client: Redis, commands: readonly Command[]): Promise<readonly Answer[]> {
  const pipeline = client.pipeline()
  for (const { verb, script, keys, args } of commands) pipeline[verb](script, [...keys], [...args])
  let answers: unknown
  try {
    answers = await pipeline.exec({ keepErrors: true })
  } catch (problem) {
    throw faultOf(problem)
  }
  // The client takes fewer answers than commands for an answer.
  if (!Array.isArray(answers) || answers.length !== commands.length) throw strange()
  return answers.map(answerOf)
}

function answerOf({ result, error }: { result?: unknown; error?: unknown }): Answer {
  if (error !== undefined && error !== null) return { refused: firstWord(error) }
  if (!isReply(result)) throw strange()
  return { reply: result }
}

/** Flat, as scripts answer: what goes deeper is not of them. */
const isReply = (value: unknown): value is ScriptReply =>
  Array.isArray(value) ? value.every(isPart) : isPart(value)

const isPart = (value: unknown): value is number | string | null =>
  typeof value === 'string' || value === null || Number.isSafeInteger(value)

/**
 * Why a request failed, without a word of the client's: its messages quote whole commands and whatever a
 * gateway wrote. Nobody knows whether the commands were executed.
 */
function faultOf(problem: unknown): StoreFault {
  const { name, message, cause } = problem as {
    name?: unknown
    message?: unknown
    cause?: { code?: unknown }
  }
  if (name === 'TimeoutError') return new StoreFault('timeout', 'the store did not answer in time')
  if (name === 'UpstashError') return refusal(firstWord(message))
  const code = /^[A-Z][A-Z0-9_]{2,40}$/.exec(String(cause?.code))?.[0]
  return code === undefined
    ? strange()
    : new StoreFault('unavailable', `the store cannot be reached: ${code}`)
}

/** @param word the first of the server's error */
export const refusal = (word: string): StoreFault =>
  new StoreFault('unavailable', `the store refuses: ${word}`)

/** A server begins its errors with a word in capitals; anything else might be a part of what it was asked. */
const firstWord = (error: unknown): string => /^[A-Z]{2,20}(?=[ :]|$)/.exec(String(error))?.[0] ?? 'ERR'

const strange = (): StoreFault =>
  new StoreFault('unavailable', 'the store answered something that is not an answer')

import type { FetchRules } from '../credentials/contract.ts'
import { FETCH_HEADERS, FetchRefused, permitted } from './fetch-rules.ts'

/**
 * Fetches a small text document by GET. No redirect is followed, no cookie or credential is sent, and no cache stands
 * in between. Names are resolved by the runtime, which connects to public addresses alone.
 *
 * @returns the body as UTF-8
 * @throws {FetchRefused} for everything that the rules exclude; other errors come from the network
 */
export async function fetchText(url: string, rules: FetchRules): Promise<string> {
  const target = permitted(url, rules)
  const refuse = (code: FetchRefused['code'], what: string) =>
    new FetchRefused(code, `${target.host} ${what}`)
  const late = AbortSignal.timeout(rules.timeout)
  try {
    const response = await fetch(target, {
      headers: FETCH_HEADERS,
      redirect: 'manual',
      signal: late,
      // The edge's own cache would stand in between, and a key that was withdrawn go on to be good.
      cache: 'no-store',
    })
    if (response.status !== 200) {
      await response.body?.cancel()
      throw refuse('status', `answered ${response.status}, 200 is needed`)
    }
    // The runtime has undone any encoding by the time that bytes are counted, so that a bomb counts as what it becomes.
    return await textOf(response, rules.maxBytes, refuse)
  } catch (error) {
    throw late.aborted ? refuse('timeout', `took longer than ${rules.timeout} ms`) : error
  }
}

/** Reads a body, counting as it comes. */
async function textOf(
  { body }: Response,
  maxBytes: number,
  refuse: (code: FetchRefused['code'], what: string) => FetchRefused,
): Promise<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  let text = ''
  let size = 0
  for await (const chunk of body ?? []) {
    size += chunk.length
    if (size > maxBytes) throw refuse('size', `sent more than ${maxBytes} bytes`)
    text += decoded(() => decoder.decode(chunk, { stream: true }), refuse)
  }
  return text + decoded(() => decoder.decode(), refuse)
}

function decoded(
  decode: () => string,
  refuse: (code: FetchRefused['code'], what: string) => FetchRefused,
): string {
  try {
    return decode()
  } catch {
    throw refuse('encoding', 'sent a body that is not UTF-8')
  }
}

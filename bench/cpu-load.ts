import { counted, load } from './load.ts'
import type { Subject } from './subject.ts'

/** How much is asked at a time. */
export interface Asking {
  readonly requests: number
  readonly connections: number
}

/**
 * Asks a subject, and says how many requests a second of its processor time is good for.
 * @param requestAt the bytes of the n-th request
 * @throws see counted
 */
export async function perCpuSecond(
  subject: Subject,
  { requests, connections }: Asking,
  requestAt: (index: number) => string,
): Promise<number> {
  const before = await subject.cpu()
  const { failures } = await load(subject.port, requests, connections, requestAt)
  return counted(subject.name, requests, failures) / ((await subject.cpu()) - before)
}

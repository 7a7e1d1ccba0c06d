import { type Reply, refusal } from './reply.ts'

/** Bytes of a request's body; a thousand records to import fit several times. */
export const MAX_BODY = 4 * 1024 * 1024

export type BodyReading =
  | { readonly ok: true; readonly data: unknown }
  | { readonly ok: false; readonly reply: Reply }

const refuse = (...args: Parameters<typeof refusal>): BodyReading => ({ ok: false, reply: refusal(...args) })

/** Reads a JSON body, counting as it comes. */
export async function readBody(request: Request): Promise<BodyReading> {
  const type = request.headers.get('content-type') ?? ''
  if (!/^application\/(?:json|merge-patch\+json)\s*(?:;\s*charset="?utf-8"?\s*)?$/i.test(type))
    return refuse('media_type', 'Send the body as `Content-Type: application/json`.')
  if (Number(request.headers.get('content-length') ?? 0) > MAX_BODY) return tooLarge()
  const bytes = await bytesOf(request)
  if (bytes === null) return tooLarge()
  try {
    return { ok: true, data: JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) }
  } catch {
    // What the parser says quotes the body, and with it perhaps a key.
    return refuse(
      'malformed',
      bytes.length === 0 ? 'The body is empty: send JSON.' : 'The body is not JSON in UTF-8.',
    )
  }
}

const tooLarge = (): BodyReading =>
  refuse('too_large', `The body is larger than ${MAX_BODY} bytes: send it in parts.`)

/** Null when there are too many of them. */
async function bytesOf({ body }: Request): Promise<Uint8Array | null> {
  const chunks: Uint8Array[] = []
  let size = 0
  const reader = (body as ReadableStream<Uint8Array> | null)?.getReader()
  while (reader !== undefined) {
    const { done, value } = await reader.read()
    if (done) break
    size += value.length
    if (size > MAX_BODY) {
      await reader.cancel()
      return null
    }
    chunks.push(value)
  }
  const bytes = new Uint8Array(size)
  let at = 0
  for (const chunk of chunks) {
    bytes.set(chunk, at)
    at += chunk.length
  }
  return bytes
}

import { type LookupAddress, lookup } from 'node:dns'
import { get as getHttp, type IncomingMessage } from 'node:http'
import { get as getHttps } from 'node:https'
import type { LookupFunction } from 'node:net'
import { parseAddress } from '../core/address.ts'
import { isPublic } from '../core/reserved.ts'
import type { FetchRules } from '../credentials/contract.ts'
import { FETCH_HEADERS, FetchRefused, notPublic, permitted } from './fetch-rules.ts'

/**
 * Fetches a small text document by GET.
 *
 * The address is judged at the moment of connecting, so that a name which changes its address between a check and
 * the connection (DNS rebinding) gains nothing. No redirect is followed, no cookie or credential is sent, no
 * connection is kept.
 *
 * @returns the body as UTF-8
 * @throws {FetchRefused} for everything that the rules exclude; other errors come from the network
 */
export async function fetchText(url: string, rules: FetchRules): Promise<string> {
  const target = permitted(url, rules)
  const get = target.protocol === 'https:' ? getHttps : getHttp
  return new Promise((resolve, reject) => {
    const request = get(target, { agent: false, headers: FETCH_HEADERS, lookup: guarded(rules) })
    const end = (error: unknown): void => {
      clearTimeout(timer)
      reject(error)
      request.destroy()
    }
    const timer = setTimeout(
      () => end(new FetchRefused('timeout', `${target.host} took longer than ${rules.timeout} ms`)),
      rules.timeout,
    )
    timer.unref()
    request.on('error', end)
    request.on('response', (response) => {
      bodyOf(response, target.host, rules.maxBytes).then((text) => {
        clearTimeout(timer)
        resolve(text)
      }, end)
    })
  })
}

/** Resolves as Node does, and passes on only addresses that may be connected to. */
function guarded(rules: FetchRules): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, found: LookupAddress[]) => {
      if (error !== null) return callback(error, [])
      const allowed = found.filter(({ address }) => {
        const parsed = parseAddress(address)
        return parsed !== null && (rules.private || isPublic(parsed))
      })
      const [first] = allowed
      if (first === undefined) return callback(notPublic(hostname), [])
      return options.all === true ? callback(null, allowed) : callback(null, first.address, first.family)
    })
  }
}

/** Reads the body of a good answer, counting as it comes. */
function bodyOf(response: IncomingMessage, host: string, maxBytes: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const refuse = (code: FetchRefused['code'], what: string): void =>
      reject(new FetchRefused(code, `${host} ${what}`))
    if (response.statusCode !== 200) return refuse('status', `answered ${response.statusCode}, 200 is needed`)
    const encoding = response.headers['content-encoding']
    if (encoding !== undefined && encoding !== 'identity') return refuse('encoding', 'sent a compressed body')
    const chunks: Buffer[] = []
    let size = 0
    response.on('data', (chunk: Buffer) => {
      size += chunk.length
      if (size > maxBytes) refuse('size', `sent more than ${maxBytes} bytes`)
      else chunks.push(chunk)
    })
    response.on('error', reject)
    response.on('close', () => {
      if (!response.complete) refuse('cut', 'closed the connection before the end')
    })
    response.on('end', () => {
      try {
        resolve(new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks)))
      } catch {
        refuse('encoding', 'sent a body that is not UTF-8')
      }
    })
  })
}

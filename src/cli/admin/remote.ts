import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { CommandFailure } from '../failure.ts'
import type { Io } from '../io.ts'
import type { Asked, Connection, Replied } from './connection.ts'
import { TOKEN_VARIABLE } from './options.ts'

/** Milliseconds for one answer. */
const TIMEOUT = 60_000

/** How often a request that came too early is sent again, and for how many seconds at most it waits. */
const MAX_TRIES = 20
const MAX_WAIT = 60

/** The admin API of another process. */
export function connectRemotely(url: string, tokenFile: string | undefined, io: Io): Connection {
  const base = baseOf(url)
  const token = tokenOf(tokenFile, io)
  if (base.protocol === 'http:' && !/^(?:localhost|127\.[\d.]+|\[::1\])$/.test(base.hostname))
    io.stderr.write(`The token goes to ${base.host} without TLS: anybody on the way can read it\n`)
  const send = (method: string, path: string, { body, headers = {} }: Asked) =>
    fetch(new URL(`${base.pathname.replace(/\/$/, '')}${path}`, base), {
      method,
      redirect: 'error',
      signal: AbortSignal.timeout(TIMEOUT),
      headers: {
        ...headers,
        authorization: `Bearer ${token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
  return {
    async ask(method, path, asked = {}) {
      for (let tries = 1; ; tries++) {
        const response = await send(method, path, asked).catch((error: unknown) => {
          throw new CommandFailure(1, `${base.origin} cannot be reached (${causeOf(error)})\n`)
        })
        const wait = Number(response.headers.get('retry-after') ?? Number.NaN)
        // Only what was not done is sent again.
        if (response.status === 429 && wait <= MAX_WAIT && tries < MAX_TRIES) {
          await response.body?.cancel()
          await sleep(wait * 1000)
          continue
        }
        return replied(response, base)
      }
    },
    close: () => Promise.resolve(),
  }
}

async function replied(response: Response, { origin }: URL): Promise<Replied> {
  const { status, headers } = response
  try {
    const text = await response.text()
    return { status, headers, body: text === '' ? undefined : JSON.parse(text) }
  } catch {
    throw new CommandFailure(1, `${origin} does not answer like an admin API (status ${status})\n`)
  }
}

function baseOf(url: string): URL {
  const base = URL.canParse(url) ? new URL(url) : null
  if (base === null || !/^https?:$/.test(base.protocol))
    throw new CommandFailure(2, `--admin ${JSON.stringify(url)} is not a URL: write http://127.0.0.1:8083\n`)
  if (base.username !== '' || base.password !== '')
    throw new CommandFailure(2, `--admin must not hold credentials: put the token into ${TOKEN_VARIABLE}\n`)
  return base
}

function tokenOf(file: string | undefined, { env, cwd }: Io): string {
  const token = file === undefined ? env[TOKEN_VARIABLE] : readToken(resolve(cwd, file), file)
  if (token === undefined || token.trim() === '')
    throw new CommandFailure(
      2,
      `A token is needed: set ${TOKEN_VARIABLE}, or name a file with --token-file\n`,
    )
  if (!/^[\x21-\x7e]+$/.test(token.trim()))
    throw new CommandFailure(2, 'The token holds characters that no token has\n')
  return token.trim()
}

function readToken(path: string, name: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new CommandFailure(2, `--token-file ${name} cannot be read (${codeOf(error)})\n`)
  }
}

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error ? String(error.code) : 'unknown error'

/** `fetch` wraps what the network said. */
function causeOf(error: unknown): string {
  if (error instanceof Error && error.name === 'TimeoutError') return `no answer within ${TIMEOUT / 1000} s`
  return codeOf(error instanceof Error && error.cause instanceof Error ? error.cause : error)
}

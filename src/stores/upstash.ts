import * as z from 'zod'
import { secret } from '../schema/fields.ts'
import { Secret, secretOf } from '../schema/secret.ts'
import { defineStore } from './contract.ts'
import { ScriptedStore } from './scripted.ts'
import { RestRunner } from './upstash/rest.ts'

const URL_FORM = 'the REST URL of the database, as in https://name.upstash.io'

const url = z
  .union([z.string(), secret], { error: `is not a URL: write ${URL_FORM}, or a reference to it` })
  .transform((given, context): string | Secret => {
    if (given instanceof Secret) return given
    const reference = given.startsWith('${') ? secret.safeParse(given) : null
    if (reference?.success) return reference.data
    const fault = reference?.error.issues[0]?.message ?? urlFault(given)
    if (fault === null) return given
    context.addIssue({ code: 'custom', message: fault })
    return z.NEVER
  })
  .meta({ description: `${URL_FORM}, or a reference to it. http:// only for this machine.` })

const schema = z
  .strictObject({
    url,
    token: secret,
    prefix: z
      .string()
      .regex(/^[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}$/, {
        error: 'is not a prefix: 1 to 64 letters, digits, `_`, `.`, `:` or `-`, first a letter or digit',
      })
      .default('postern')
      .meta({ description: 'What all keys in the database begin with.' }),
  })
  .meta({ description: 'A Redis database at Upstash, over its REST API.' })

/** Why a text cannot be the URL; null when it can. Never with the text: it may hold a password. */
function urlFault(text: string): string | null {
  // The client asks for this much; all else is for the URL parser to say.
  if (!/^https?:\/\/[^\s#$./?]\S*$/i.test(text) || !URL.canParse(text))
    return `is not a URL: write ${URL_FORM}`
  const { protocol, hostname, username, password, search, hash } = new URL(text)
  if (username !== '' || password !== '') return 'holds a user or password: the API takes the token alone'
  if (search !== '' || hash !== '') return `has more than an address and a path: write ${URL_FORM}`
  if (protocol === 'http:' && !/^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/.test(hostname))
    return 'would send the token in the clear: write https:// (http:// is for this machine alone)'
  return null
}

const textOf = (value: Secret | string): string | null => (value instanceof Secret ? value.value : value)

/**
 * Keeps state in a Redis at Upstash (https://upstash.com/docs/redis/features/restapi), for instances that
 * cannot hold connections or share no network. Nothing here needs Node.
 */
export const upstash = defineStore({
  name: 'upstash',
  schema,
  bare: null,
  deadline: 250,
  holds: false,
  runtimes: ['node', 'workers'],
  shared: true,
  remote: true,
  inspect(options, problem) {
    const address = options.url instanceof Secret ? options.url.value : null
    const fault = address === null ? null : urlFault(address)
    if (fault !== null) problem(['url'], `refers to something that ${fault}`)
    if (options.token.value !== null && !/^[\x21-\x7e]{1,4096}$/.test(options.token.value))
      problem(['token'], 'refers to something that is not a token: it must be one line of visible ASCII')
  },
  async create(options, outside, deadline) {
    const { Redis } = await import('@upstash/redis/cloudflare')
    const runner = new RestRunner(
      (signal) =>
        new Redis({
          url: new URL(textOf(options.url) ?? '').href,
          token: secretOf(options.token),
          signal,
          // Whatever may have been executed is not sent twice: even `retry: false` would.
          retry: { retries: 0 },
          // Replies are numbers, JSON and names: base64 makes them longer, and "OK" in a list ambiguous.
          responseEncoding: false,
          automaticDeserialization: false,
          // What arrives together does not wait for each other; Lanes bounds how many requests that makes.
          enableAutoPipelining: false,
          enableTelemetry: false,
        }),
      outside,
      deadline,
    )
    return new ScriptedStore(runner, {
      name: 'upstash',
      prefix: options.prefix,
      sha256: outside.sha256,
      random32: outside.random32,
      // Known when the runner is open, so it is read anew each time.
      get clock() {
        return runner.clock
      },
    })
  },
})

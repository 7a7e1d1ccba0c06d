/** The check Worker and the admin Worker in one workerd, on one store. */

import { createHash } from 'node:crypto'
import { requestInit } from '../../admin/support.ts'
import { strong } from '../../support/policy.ts'
import { type Asked, fieldsOf } from '../../support/service.ts'
import { startWorkerd, vanishing, type Workerd, type WorkerSpec } from './workerd.ts'

/** Tokens in the clear, as `postern token` prints them. */
export const WRITER = `postern_${'w'.repeat(43)}`
export const READER = `postern_${'r'.repeat(43)}`

export const SECRETS = {
  PROXY_SECRET: strong('proxy'),
  PEPPER: strong('pepper'),
  ISSUER_SECRET: strong('issuer'),
}

const digestOf = (token: string) => `sha256:${createHash('sha256').update(token).digest('hex')}`

export const TOKENS = `admin:
  tokens:
    ops: { digest: "${digestOf(WRITER)}", role: writer }
    board: { digest: "${digestOf(READER)}", role: reader }
  limit: 100000/minute`

/** @param sections store, admin and whatever else a test is about */
export const policyOf = (...sections: string[]): string =>
  [
    'proxies: { traefik: { secret: "${PROXY_SECRET}" } }',
    `issuers:
  company:
    issuer: https://login.example.com
    audience: [x]
    keys: { secret: "\${ISSUER_SECRET}" }
    algorithms: [HS256]`,
    'apiKeys: { prefix: ak_live, peppers: { v1: "${PEPPER}" } }',
    'roles: { user: { permissions: ["a:b"] } }',
    `limits:
  per-client: { by: client, rate: 1000000/hour }
  per-principal: { by: principal, rate: 1000000/hour }`,
    `routes:
  open: { match: { path: /open }, credentials: [anonymous] }
  keyed: { match: { path: /keyed }, credentials: [api-key], limits: [per-client, per-principal] }`,
    ...sections,
  ].join('\n')

export const OBJECTS = { POSTERN_STATE: { className: 'PosternState', useSQLite: true } }

export const checkWorker = (policy: string, part: Partial<WorkerSpec> = {}): WorkerSpec => ({
  name: 'postern',
  entry: 'src/worker.ts',
  policy,
  variables: SECRETS,
  bindings: { durableObjects: OBJECTS },
  ...part,
})

/** It gets the secrets of keys and stores alone. */
export const adminWorker = (policy: string, part: Partial<WorkerSpec> = {}): WorkerSpec => ({
  name: 'postern-admin',
  entry: 'src/worker-admin.ts',
  policy,
  variables: { PEPPER: SECRETS.PEPPER },
  bindings: {
    durableObjects: {
      POSTERN_STATE: { className: 'PosternState', scriptName: 'postern', useSQLite: true },
    },
  },
  ...part,
})

/** Both of them. */
export interface Duo {
  readonly workerd: Workerd
  /** Asks the admin Worker. */
  admin(method: string, path: string, options?: AdminOptions): Promise<Answered>
  /** Asks the check Worker as a proxy does. */
  check(asked: Asked, signal?: AbortSignal): Promise<{ readonly status: number; readonly headers: Headers }>
  /** The check of `/keyed` with a key. @returns the status */
  keyed(key: string): Promise<number>
  /** The same, by somebody who does not wait for the answer. */
  vanishing(key: string): ReturnType<typeof vanishing>
  stop(): Promise<void>
}

export interface AdminOptions {
  readonly token?: string | null
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
}

export interface Answered {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  // biome-ignore lint/suspicious/noExplicitAny: what an answer holds is what the tests look at
  readonly body: any
}

export async function startDuo(policy: string, parts: Partial<WorkerSpec> = {}): Promise<Duo> {
  return duoOf(await startWorkerd([checkWorker(policy, parts), adminWorker(policy, parts)]))
}

function headersOf(asked: Asked): Headers {
  const lines = [...fieldsOf(asked, 'traefik'), ...(asked.headers ?? [])]
  const headers = new Headers(lines.map(([name, value]): [string, string] => [name, value]))
  headers.set('X-Postern-Secret', SECRETS.PROXY_SECRET)
  return headers
}

export function duoOf(workerd: Workerd): Duo {
  const checks = () => `${workerd.url('postern')}/check/traefik`
  const check: Duo['check'] = async (asked) => {
    const response = await fetch(checks(), { headers: headersOf(asked) })
    await response.text()
    return response
  }
  const withKey = (key: string): Asked => ({ target: '/keyed', headers: [['X-API-Key', key]] })
  return {
    workerd,
    check,
    keyed: async (key) => (await check(withKey(key))).status,
    vanishing: (key) => vanishing(checks(), headersOf(withKey(key))),
    admin: async (method, path, options = {}) => {
      const url = `${workerd.url('postern-admin')}${path}`
      const response = await fetch(url, requestInit(method, { token: WRITER, ...options }))
      const text = await response.text()
      return {
        status: response.status,
        headers: response.headers,
        text,
        body: text.startsWith('{') ? JSON.parse(text) : undefined,
      }
    },
    stop: () => workerd.stop(),
  }
}

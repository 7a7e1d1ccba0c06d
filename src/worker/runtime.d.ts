/** What workerd offers beside the web's own interfaces, as far as Postern uses it. */
declare module 'cloudflare:workers' {
  import type { DurableObjectState, ExecutionContext } from '@cloudflare/workers-types'

  /** What this Worker is deployed with, by name. */
  export const env: Readonly<Record<string, unknown>>

  /** Keeps the request at hand alive until the promise has settled, within the runtime's bounds. */
  export function waitUntil(promise: Promise<unknown>): void

  export abstract class DurableObject<Env = unknown> {
    protected readonly ctx: DurableObjectState
    protected readonly env: Env
    constructor(ctx: DurableObjectState, env: Env)
  }

  export abstract class WorkerEntrypoint<Env = unknown> {
    protected readonly ctx: ExecutionContext
    protected readonly env: Env
    constructor(ctx: ExecutionContext, env: Env)
  }
}

/** What `postern compile` has written; wrangler.toml says under `alias` where it is. */
declare module 'postern-policy' {
  const artefact: unknown
  export default artefact
}

import { Hono } from 'hono'

/** Whether checks are taken, and how well. */
export interface Readiness {
  /** False before the process listens and while it drains. */
  readonly ready: boolean
  /** How many workers take checks, where there are several. */
  readonly workers?: { readonly ready: number; readonly of: number }
  /** What works less well than it should, in words for the operator; it does not make the process unready. */
  readonly degraded: readonly string[]
}

/** What the health endpoints show. */
export interface HealthSources {
  readiness(): Readiness | Promise<Readiness>
  metrics(): Promise<{ readonly contentType: string; readonly text: string }>
}

/**
 * `/livez`, `/readyz` and `/metrics`, for a listener of their own: nothing in here may be reachable where checks are.
 * An issuer that cannot be reached leaves the process ready, because routes without it work, and a restart would
 * not bring the issuer back.
 */
export function createHealth(sources: HealthSources): Hono {
  const app = new Hono()
  app.use(async (context, next) => {
    await next()
    context.header('Cache-Control', 'no-store')
  })
  app.get('/livez', (context) => context.json({ live: true }))
  app.get('/readyz', async (context) => {
    const readiness = await sources.readiness()
    return context.json(readiness, readiness.ready ? 200 : 503)
  })
  app.get('/metrics', async (context) => {
    const { contentType, text } = await sources.metrics()
    return context.body(text, 200, { 'Content-Type': contentType })
  })
  app.notFound((context) => context.json({ type: 'about:blank', title: 'Not Found', status: 404 }, 404))
  app.onError((_cause, context) =>
    context.json({ type: 'about:blank', title: 'Internal Server Error', status: 500 }, 500),
  )
  return app
}

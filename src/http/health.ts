import { Hono } from 'hono'

/** What the health endpoints show. */
export interface HealthSources {
  /** Whether the process takes checks: false before it listens and while it drains. */
  ready(): boolean
  /** What works less well than it should, in words for the operator; it does not make the process unready. */
  degraded(): readonly string[]
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
  app.get('/readyz', (context) => {
    const ready = sources.ready()
    return context.json({ ready, degraded: sources.degraded() }, ready ? 200 : 503)
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

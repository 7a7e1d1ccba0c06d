import { type Context, Hono } from 'hono'
import { whenKnown } from '../core/soon.ts'
import { responseOf } from './answer.ts'
import { answerTo, type CheckOptions, type Surroundings } from './check.ts'
import { unavailable } from './respond.ts'

/** What the app needs from whoever runs it. */
export interface AppOptions extends CheckOptions {
  surroundings(context: Context): Surroundings
}

/** The check endpoints for runtimes that speak in Fetch's terms. Node writes the same answers itself (docs/adr/0012). */
export function createApp(options: AppOptions): Hono {
  const app = new Hono()
  // By the target as it arrived: Hono's own path is decoded and resolved.
  app.all('*', (context) => whenKnown(answerTo(options.surroundings(context), options), responseOf))
  // The last net, should even the record fail: nobody is let in without one.
  app.onError(() => responseOf(unavailable()))
  return app
}

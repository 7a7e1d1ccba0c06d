/** Imported before a Worker: no clock moves any more, as on Workers none does while a request computes. */
import { env } from 'cloudflare:workers'

const now = Number(env['STILL'])
Date.now = () => now
performance.now = () => 0

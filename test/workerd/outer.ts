/** What suites inside of workerd need outside of it: a real Redis behind its REST bridge, which they may spoil. */

import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { json } from 'node:stream/consumers'
import type { TestProject } from 'vitest/node'
import { findServer } from '../../scripts/servers.ts'
import { RedisServer } from '../support/redis.ts'
import { type Fault, faults, RestBridge } from '../support/rest-bridge.ts'

/** Where things are; null where no redis-server can be had, which is a failure in CI. */
export type Outer = {
  /** Of the REST API. */
  readonly rest: string
  readonly token: string
  /** Takes an order as JSON, and answers what became of it. */
  readonly control: string
} | null

/** What a suite may order. */
export type Order =
  | { readonly command: readonly string[] }
  | { readonly frozen: boolean }
  /** Spoils the next requests; null: no more. */
  | { readonly spoil: keyof typeof SPOILED | null; readonly times?: number }

/** What may be wrong with the answers, by name. */
const SPOILED = {
  html502: faults.html502,
  dropAfter: faults.dropAfter,
  dropBefore: faults.dropBefore,
  hang: faults.hang,
  stall: faults.stall,
  huge: faults.huge(1_000_000),
  empty: faults.says(''),
  notJson: faults.says('OK'),
  fewer: faults.says('[]'),
  unauthorized: faults.says('{"error":"WRONGPASS invalid or missing auth token"}', 401),
} as const satisfies Record<string, Fault>

declare module 'vitest' {
  export interface ProvidedContext {
    outer: Outer
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const found = await findServer('redis-server')
  if ('missing' in found) {
    if (process.env['CI'] === 'true') throw new Error(found.missing)
    console.warn(`skipped, Upstash inside of workerd: ${found.missing}`)
    project.provide('outer', null)
    return async () => {}
  }
  const redis = await RedisServer.start()
  const bridge = await RestBridge.start(redis.port)
  const control = createServer((request, response) => {
    json(request)
      .then((order) => obey(order as Order, redis, bridge))
      .then(
        (value) => response.end(JSON.stringify(value ?? null)),
        (problem: unknown) => response.writeHead(500).end(String(problem)),
      )
  })
  await new Promise<void>((resolve) => control.listen(0, '127.0.0.1', resolve))
  project.provide('outer', {
    rest: bridge.url,
    token: bridge.token,
    control: `http://127.0.0.1:${(control.address() as AddressInfo).port}`,
  })
  return async () => {
    control.closeAllConnections()
    control.close()
    await bridge.close()
    await redis.stop()
  }
}

async function obey(order: Order, redis: RedisServer, bridge: RestBridge): Promise<unknown> {
  if ('command' in order) return redis.command(...order.command)
  if ('frozen' in order) return order.frozen ? redis.freeze() : redis.thaw()
  return order.spoil === null ? bridge.heal() : bridge.inject(SPOILED[order.spoil], order.times)
}

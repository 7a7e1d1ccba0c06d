import { weakness } from '../../schema/secret.ts'
import type { Runtime } from '../../stores/contract.ts'
import { STORES } from '../../stores/index.ts'
import type { Draft } from '../draft.ts'
import type { Report } from '../inspect.ts'
import type { Names } from '../names.ts'

/** Milliseconds: a decision waits no longer for anybody (core/decide.ts). */
const LONGEST_DEADLINE = 350

export function inspectStore(
  { store, routes = {} }: Draft,
  _: Names,
  report: Report,
  runtime: Runtime | null,
): void {
  if (store === undefined) return
  const { name, options, deadline, messages } = store
  const type = STORES[name]
  if (type === undefined) return
  if (runtime !== null && !type.runtimes.includes(runtime)) {
    const able = Object.values(STORES).filter(({ runtimes }) => runtimes.includes(runtime))
    report(
      ['store'],
      `${name} cannot be used on ${runtime === 'node' ? 'Node' : 'Workers'}: write ${able.map((one) => one.name).join(', ')}, or leave it out`,
    )
  }
  // Only there connections are counted by whoever holds them open.
  if (runtime === 'workers' && !type.holds) {
    const able = Object.values(STORES).flatMap(({ name, holds }) => (holds ? [name] : []))
    for (const [route, { connections }] of Object.entries(routes))
      if (connections !== undefined)
        report(
          ['routes', route, 'connections'],
          `cannot be counted in ${name}: use the store ${able.join(' or ')}, or leave it out`,
        )
  }
  type.inspect?.(options, (path, message) => report(['store', name, ...path], message))
  if (deadline !== undefined && deadline > LONGEST_DEADLINE)
    report(['store', 'deadline'], `is longer than any decision waits: write ${LONGEST_DEADLINE}ms or less`)
  if (messages === undefined) return
  if (Object.keys(messages.keys).length === 0)
    report(['store', 'messages', 'keys'], 'is empty: name at least one, as in v1: "${MESSAGE_KEY}"')
  for (const [version, key] of Object.entries(messages.keys)) {
    const weak = key.value === null ? null : weakness(key.value, 32)
    if (weak !== null)
      report(
        ['store', 'messages', 'keys', version],
        `${weak}: use at least 32 random bytes, as from openssl rand -hex 32`,
      )
  }
}

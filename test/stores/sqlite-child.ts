/**
 * A process on a file of its parent's: `node sqlite-child.ts FILE TASK`. It says `ready`, starts at the parent's `go`
 * and sends what it did.
 */

import { SqliteStore } from '../../src/stores/sqlite/store.ts'
import { charge, draft, put, remove } from './conformance/rig.ts'

/** What a child sends while it works. */
export type Report =
  | { readonly ready: true }
  | { readonly admitted: number; readonly unanswered: number }
  /** A write that was promised, or a number of charges that were. */
  | { readonly written: number }
  | { readonly charged: number }

const [, , location = '', task = ''] = process.argv
const outside = { now: Date.now, micros: () => performance.now() * 1000 }
const store = new SqliteStore({ location, deadline: 5000 }, outside)
const send = (report: Report) => process.send?.(report)

const TASKS: Readonly<Record<string, () => Promise<void>>> = {
  /** A thousand charges, fifty at a time. */
  charge: async () => {
    let admitted = 0
    let unanswered = 0
    for (let round = 0; round < 20; round++) {
      const all = await Promise.all(
        Array.from({ length: 50 }, () => store.charge([charge('ten', 100), charge('more', 2000)])),
      )
      for (const { charged } of all) {
        if (charged.includes(null)) unanswered++
        else if (charged.every((one) => one?.ok)) admitted++
      }
    }
    send({ admitted, unanswered })
  },
  /** Makes and takes away a key, by turns, when it is told to. */
  keys: async () => {
    for (;;) {
      await store.apply([put(draft('theirs', { aliases: ['d'] }))], null)
      send({ written: 1 })
      await told()
      await store.apply([remove('theirs')], null)
      send({ written: 2 })
      await told()
    }
  },
  /** Writes and charges without an end. */
  churn: async () => {
    const charges = async () => {
      for (let done = 1; ; done++) {
        await Promise.all(Array.from({ length: 8 }, () => store.charge([charge('churn', 1_000_000)])))
        send({ charged: 8 * done })
      }
    }
    const writes = async () => {
      for (let n = 1; ; n++) {
        await store.apply([put(draft(`a${n}`, { aliases: [`d${n}`] })), put(draft(`b${n}`))], `line ${n}`)
        send({ written: n })
        await new Promise((resolve) => setImmediate(resolve))
      }
    }
    await Promise.all([charges(), writes()])
  },
}

const told = () => new Promise((resolve) => process.once('message', resolve))

await store.open()
send({ ready: true })
await told()
await TASKS[task]?.()
await store.close()
process.disconnect()

/** Targets that leave audit lines: which of them tell of which scenario. */

import { type Recorded, recordIn } from '../request.ts'
import type { Row } from '../scenario.ts'

/** Longer than any process keeps lines to itself. */
const PATIENCE = 10_000

/**
 * Audit lines in the order in which they came. After each scenario a marker is sent, so that every line between two
 * markers belongs to the scenario between them, whatever can be read in it.
 */
export class Records {
  readonly #found: Recorded[] = []
  #wake: () => void = () => {}

  /** Takes a line of a process, if it tells of a decision. */
  take = (line: string): void => {
    const record = recordIn(line)
    if (record === null) return
    this.#found.push(record)
    this.#wake()
  }

  /** Where the marker of a scenario leads: everybody may go there. */
  markerOf = (row: Row): string => `/public/marker/${row.id}`

  /** The last record of each scenario; none for those of which Postern was not asked. Waits for the last marker. */
  async of(rows: readonly Row[]): Promise<ReadonlyMap<string, Recorded>> {
    const last = rows.at(-1)
    if (last !== undefined) await this.#seen(this.markerOf(last))
    const byRow = new Map<string, Recorded>()
    let at = 0
    for (const row of rows) {
      const marker = this.markerOf(row)
      for (; at < this.#found.length; at++) {
        const record = this.#found[at]
        if (record === undefined || record.path === marker) break
        if (!record.path?.startsWith('/public/marker/')) byRow.set(row.id, record)
      }
      at++
    }
    return byRow
  }

  async #seen(path: string): Promise<void> {
    const end = performance.now() + PATIENCE
    while (!this.#found.some((record) => record.path === path)) {
      const left = end - performance.now()
      if (left < 0)
        throw new Error(
          `no audit line told of ${path}, the last of ${this.#found.length} is of ${this.#found.at(-1)?.path}`,
        )
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left)
        this.#wake = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    }
  }
}

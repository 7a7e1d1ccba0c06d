/** Targets that leave audit lines: which of them tell of which scenario. */
import { setTimeout as delay } from 'node:timers/promises'
import { type Recorded, recordIn } from '../request.ts'
import type { Row } from '../scenario.ts'

/** Milliseconds, longer than any process keeps lines to itself. */
const PATIENCE = 10_000

/**
 * Audit lines in the order in which they came. After each scenario a marker is sent, so that every line between two
 * markers belongs to the scenario between them, whatever can be read in it.
 */
export class Records {
  readonly #lines: () => readonly string[]
  readonly #found: Recorded[] = []
  #read = 0
  #markers = 0

  /** @param lines everything that was written so far, oldest first */
  constructor(lines: () => readonly string[]) {
    this.#lines = lines
  }

  /** The marker of a scenario: a request that passes, of a client of its own. */
  markerOf(row: Row): Row {
    const number = ++this.#markers
    const client = `127.30.${number >> 7}.${(number & 127) + 1}`
    // Where a proxy is believed by its certificate, this one is as well.
    const proof = row.policy === 'certified' ? ({ proof: 'certificate' } as const) : {}
    return { ...row, client, request: { ...proof, target: markerPath(row) } }
  }

  /** The last record of each scenario; none for those of which Postern was not asked. Waits for the last marker. */
  async of(rows: readonly Row[]): Promise<ReadonlyMap<string, Recorded>> {
    const last = rows.at(-1)
    if (last !== undefined) await this.#seen(markerPath(last))
    const byRow = new Map<string, Recorded>()
    let at = 0
    for (const row of rows) {
      for (; at < this.#found.length; at++) {
        const record = this.#found[at]
        if (record === undefined || record.path === markerPath(row)) break
        if (record.path?.startsWith(MARKERS) !== true) byRow.set(row.id, record)
      }
      at++
    }
    return byRow
  }

  async #seen(path: string): Promise<void> {
    const end = performance.now() + PATIENCE
    while (!this.#update().some((record) => record.path === path)) {
      if (performance.now() > end) throw new Error(`no audit line told of ${path} in ${PATIENCE} ms`)
      await delay(10)
    }
  }

  #update(): readonly Recorded[] {
    const lines = this.#lines()
    for (; this.#read < lines.length; this.#read++) {
      const record = recordIn(lines[this.#read] ?? '')
      if (record !== null) this.#found.push(record)
    }
    return this.#found
  }
}

const MARKERS = '/public/marker/'
const markerPath = (row: Row): string => `${MARKERS}${row.id}`

/** Targets that leave audit lines: which of them tell of which scenario. */
import { setTimeout as delay } from 'node:timers/promises'
import type { CredentialName } from '../credentials.ts'
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
    return this.#own(row, { target: markerPath(row) })
  }

  /**
   * A request for each kind of key, to be played before the others: a Worker imports its keys when a token first asks
   * for them, and on a busy machine that can take longer than a decision may.
   */
  warmUps(rows: readonly Row[]): Row[] {
    const [first] = rows
    if (first === undefined) return []
    return KEYS.map((name) => this.#own(first, { target: WARM_UP, credentials: [name] }))
  }

  #own(row: Row, request: Row['request']): Row {
    const number = ++this.#markers
    const client = `127.30.${number >> 7}.${(number & 127) + 1}`
    // Where a proxy is believed by its certificate, this one is as well.
    const proof = row.policy === 'certified' ? ({ proof: 'certificate' } as const) : {}
    return { ...row, client, request: { ...proof, ...request } }
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
        if (record.path !== WARM_UP && record.path?.startsWith(MARKERS) !== true) byRow.set(row.id, record)
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

/** One credential of each issuer. */
const KEYS = ['reader', 'token of a partner', 'token of a vendor'] as const satisfies CredentialName[]

/** Where every policy of the suite looks at every credential. */
const WARM_UP = '/warm-up'

const MARKERS = '/public/marker/'
const markerPath = (row: Row): string => `${MARKERS}${row.id}`

import type { Charge, Charged, Charging } from '../../core/model.ts'
import type { StoreOutside } from '../contract.ts'
import { faultOf, isBusy } from './fault.ts'
import type { SqliteFile } from './file.ts'

/** So many calls are charged in one transaction at most: other processes want their turn, and so does ours. */
const BATCH = 256
/** Milliseconds until a lock is tried again. */
export const RETRY = 1

interface Waiting {
  readonly charges: readonly Charge[]
  /** Microseconds of the steady clock at which it is too late. */
  readonly until: number
  readonly answer: (charging: Charging) => void
}

/** Charges that wait together are committed together: once a turn, or when another process lets go of its lock. */
export class ChargeQueue {
  readonly #file: SqliteFile
  readonly #outside: Pick<StoreOutside, 'now' | 'micros'>
  readonly #deadline: number
  #waiting: Waiting[] = []
  #scheduled = false

  /** @param deadline milliseconds */
  constructor(file: SqliteFile, deadline: number, outside: Pick<StoreOutside, 'now' | 'micros'>) {
    this.#file = file
    this.#deadline = deadline * 1000
    this.#outside = outside
  }

  add(charges: readonly Charge[]): Promise<Charging> {
    return new Promise((answer) => {
      this.#waiting.push({ charges, until: this.#outside.micros() + this.#deadline, answer })
      if (this.#scheduled) return
      this.#scheduled = true
      setImmediate(() => this.flush())
    })
  }

  /** Charges what waits, as far as one transaction goes. */
  flush(): void {
    this.#scheduled = false
    const batch = this.#waiting.splice(0, BATCH)
    if (batch.length === 0) return
    const now = Math.floor(this.#outside.now() * 1000)
    let done: readonly (readonly Charged[])[]
    let epoch: number
    try {
      ;[done, epoch] = this.#file.write('normal', ({ buckets, records }) => [
        batch.map(({ charges }) => buckets.charge(charges, now)),
        records.epoch('access'),
      ])
    } catch (error) {
      this.#refuse(batch, error)
      return
    }
    for (let index = 0; index < batch.length; index++)
      (batch[index] as Waiting).answer({ charged: done[index] as readonly Charged[], epoch })
    this.#again(() => setImmediate(() => this.flush()))
  }

  /** Charges all that waits, or answers it by its deadline. */
  async drain(): Promise<void> {
    for (;;) {
      this.flush()
      if (this.#waiting.length === 0) return
      await new Promise((resolve) => setTimeout(resolve, RETRY))
    }
  }

  #refuse(batch: readonly Waiting[], error: unknown): void {
    const fault = faultOf(error)
    const now = this.#outside.micros()
    const patient = isBusy(error) ? batch.filter(({ until }) => until > now) : []
    for (const one of batch) if (!patient.includes(one)) one.answer(unanswered(one.charges, fault))
    this.#waiting = [...patient, ...this.#waiting]
    this.#again(() => setTimeout(() => this.flush(), RETRY))
  }

  #again(schedule: () => void): void {
    if (this.#waiting.length === 0 || this.#scheduled) return
    this.#scheduled = true
    schedule()
  }
}

/** No answer for any of these. */
export const unanswered = (charges: readonly Charge[], cause: unknown): Charging => ({
  charged: charges.map(() => null),
  epoch: null,
  cause,
})

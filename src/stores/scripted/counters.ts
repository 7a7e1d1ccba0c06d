import type { Charge, Charging } from '../../core/model.ts'
import { StoreFault } from '../contract.ts'
import { chargedOf, joined, type Part, type Told } from '../counting/told.ts'
import { charge } from './charge.ts'
import { chargingOf } from './charging.ts'
import { rubbish } from './reply.ts'
import type { Runner, ScriptCall, ScriptReply } from './runner.ts'

/** The charges of one slot. */
interface Group extends Part {
  readonly call: ScriptCall
  readonly withEpoch: boolean
}

/** Charges buckets: in one script where all keys live together, else in one for each slot, all of them at once. */
export class ScriptedCounters {
  readonly #runner: Runner
  readonly #epochKey: string
  readonly #keyOf: (key: string) => string
  readonly #time: () => string

  /**
   * @param keyOf the key of a charge's bucket
   * @param time what the script is told of the time
   */
  constructor(runner: Runner, epochKey: string, keyOf: (key: string) => string, time: () => string) {
    this.#runner = runner
    this.#epochKey = epochKey
    this.#keyOf = keyOf
    this.#time = time
  }

  charge(charges: readonly Charge[]): Promise<Charging> {
    const { slotOf } = this.#runner
    return slotOf === null ? this.#together(charges) : this.#apart(charges, slotOf)
  }

  #together(charges: readonly Charge[]): Promise<Charging> {
    const keys = charges.map(({ key }) => this.#keyOf(key))
    keys.push(this.#epochKey)
    const call = { script: charge, keys, args: this.#arguments(charges) }
    return this.#runner.run([call]).then(([reply]): Charging => {
      const told = toldBy(reply, charges.length, true)
      if (told instanceof StoreFault) return { charged: charges.map(() => null), epoch: null, cause: told }
      const charged = told.arrivals.map((arrival, index) =>
        chargedOf(arrival, charges[index] as Charge, false),
      )
      return { charged, epoch: told.epoch }
    })
  }

  /** The slots know nothing of each other: where one denies, what passed in the others is given back. */
  async #apart(charges: readonly Charge[], slotOf: (key: string) => number): Promise<Charging> {
    const groups = this.#groups(charges, slotOf)
    const replies = await this.#runner.run(groups.map(({ call }) => call))
    const told = groups.map(({ places, withEpoch }, index) =>
      toldBy(replies[index], places.length, withEpoch),
    )
    const { charging, refunds } = joined(charges, groups, told)
    const back = refunds.map((index) => {
      const { call, places } = groups[index] as Group
      return this.#refund(call, places, charges)
    })
    // Nobody waits for a refund: it goes the same way as the next charge, ahead of it.
    if (back.length > 0) void this.#runner.run(back)
    return charging
  }

  #groups(charges: readonly Charge[], slotOf: (key: string) => number): Group[] {
    const home = slotOf(this.#epochKey)
    const slots = new Map<number, { places: number[]; keys: string[] }>([[home, { places: [], keys: [] }]])
    for (const [place, { key }] of charges.entries()) {
      const name = this.#keyOf(key)
      const slot = slotOf(name)
      const known = slots.get(slot) ?? { places: [], keys: [] }
      slots.set(slot, known)
      known.places.push(place)
      known.keys.push(name)
    }
    return [...slots].map(([slot, { places, keys }]) => {
      const withEpoch = slot === home
      const args = this.#arguments(places.map((place) => charges[place] as Charge))
      return {
        places,
        withEpoch,
        call: { script: charge, keys: withEpoch ? [...keys, this.#epochKey] : keys, args },
      }
    })
  }

  #refund({ keys }: ScriptCall, places: readonly number[], charges: readonly Charge[]): ScriptCall {
    const back = places.map((place) => {
      const given = charges[place] as Charge
      return { ...given, cost: -given.cost }
    })
    return { script: charge, keys: keys.slice(0, places.length), args: this.#arguments(back) }
  }

  #arguments(charges: readonly Charge[]): string[] {
    const args = [this.#time()]
    for (const { interval, burst, cost } of charges) args.push(String(interval), String(burst), String(cost))
    return args
  }
}

const toldBy = (
  reply: ScriptReply | StoreFault | undefined,
  count: number,
  withEpoch: boolean,
): Told | StoreFault =>
  reply instanceof StoreFault ? reply : (chargingOf(reply ?? null, count, withEpoch) ?? rubbish())

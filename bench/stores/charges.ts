import { createHash } from 'node:crypto'
import type { Charge } from '../../src/core/model.ts'
import type { Store } from '../../src/stores/contract.ts'
import { charge as chargeScript } from '../../src/stores/scripted/charge.ts'
import { SUBJECTS } from './deciding.ts'

/** Three limits for one of the subjects, as a decision charges them. */
const threeOf = (subject: number): Charge[] =>
  ['client', 'principal', 'tenant'].map((limit) => ({
    key: `per-${limit}|x:27:https://issuer.bench.example:s${subject}`,
    interval: 3600,
    burst: 1_000_000,
    cost: 1,
  }))
export const THREES = Array.from({ length: SUBJECTS }, (_, subject) => threeOf(subject))

/** @throws when not everything was charged */
export async function paid(store: Store, charges: readonly Charge[]): Promise<void> {
  const { charged, cause } = await store.charge(charges)
  if (charged.some((one) => one?.ok !== true)) throw new Error(`not charged: ${cause}`)
}

const SHA = createHash('sha1').update(chargeScript.body).digest('hex')

const nameOf = (text: string): string =>
  `postern:b:${createHash('sha256').update(text).digest('base64url').slice(0, 22)}`

/** The script as a decision sends it, for the client alone. */
export const COMMANDS = THREES.map((charges) => [
  ...['EVALSHA', SHA, '4', ...charges.map(({ key }) => nameOf(key)), '{postern}:epoch:access', ''],
  ...charges.flatMap(({ interval, burst, cost }) => [String(interval), String(burst), String(cost)]),
])

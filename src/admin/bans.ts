import * as z from 'zod'
import { type Network, networkOf, textOfNetwork } from '../core/address.ts'
import { cidr, duration } from '../schema/fields.ts'
import { jsonOf } from '../schema/json.ts'
import { type Ban, ban, MAX_BANS } from '../state/ban.ts'
import { entryOf } from '../state/entry.ts'
import { type Entry, StoreFault } from '../stores/contract.ts'
import { Census } from './census.ts'
import { textOfTime } from './key-view.ts'
import { type Desk, Ledger } from './ledger.ts'
import { page, pageOf } from './page.ts'
import { invalid, type Reply, refusal, trouble } from './reply.ts'

export const newBan = z
  .strictObject({
    network: cidr.meta({ description: 'An address, or a network in CIDR notation.' }),
    duration: duration.nullable().meta({ description: 'How long, as in `24h`; null: until it is lifted.' }),
    reason: z.string().max(512).nullable().default(null),
  })
  .meta({ description: 'A client that may not ask for a while.' })

export const banView = z
  .strictObject({
    network: z.string().meta({ description: 'In CIDR notation.' }),
    until: z.iso.datetime().nullable().meta({ description: 'Null: until it is lifted.' }),
    level: z.int().meta({ description: 'How often it was banned before; 0 when a person did it.' }),
    reason: z.string().nullable(),
    by: z.string().meta({ description: '`postern` for the penalty box, else who did it.' }),
    created: z.iso.datetime(),
  })
  .meta({ description: 'A client that may not ask for a while.' })

export const banPage = pageOf(banView).meta({ description: 'Bans.' })

type View = z.output<typeof banView>

/** The penalty box's own bans have a bound of their own. */
const isOurs = (entry: Entry): boolean => banIn(entry).by !== 'postern'

/** Bans that people impose, and all that can be lifted. */
export class BanDesk {
  readonly #desk: Desk
  readonly #ledger: Ledger
  readonly #census: Census

  constructor(desk: Desk) {
    this.#desk = desk
    this.#ledger = new Ledger(desk)
    this.#census = new Census(desk, 'ban', isOurs)
  }

  async add(given: z.output<typeof newBan>, actor: string): Promise<Reply> {
    const { store, outside } = this.#desk
    if (given.network.prefix === 0)
      return invalid([trouble(['network'], 'is everybody: name a smaller network')])
    const spared = this.#desk.facts().spared.find((one) => isWithin(given.network, one))
    if (spared !== undefined)
      return invalid([
        trouble(['network'], `lies in ${textOfNetwork(spared)}, which the policy never bans: see bans.never`),
      ])
    const now = outside.now()
    const network = textOfNetwork(given.network)
    const body: Ban = {
      v: 1,
      network,
      until: given.duration === null ? null : now + given.duration,
      level: 0,
      reason: given.reason,
      by: actor,
      created: now,
    }
    const [known = null] = await store.get('ban', [network])
    if (known === null && (await this.#census.count()) >= MAX_BANS)
      return refusal('conflict', `There are ${MAX_BANS} bans already: lift some first.`)
    const draft = entryOf('ban', network, body, body.until)
    const after = viewOf(draft)
    const before = known === null ? null : viewOf(known)
    const act = { actor, action: 'ban.add', target: network, before, after }
    // Whoever bans last has the last word, so that there is nothing to guard against.
    await this.#ledger.apply([{ put: draft, expected: 'any' }], act)
    if (known === null) this.#census.added()
    return { status: known === null ? 201 : 200, body: after }
  }

  async list({ after = null, limit }: { after?: string | null | undefined; limit: number }): Promise<Reply> {
    const entries = await this.#desk.store.list('ban', { owner: null, after, limit: limit + 1 })
    const now = this.#desk.outside.now()
    // The penalty box keeps its bans for a while after their end, so that the next one can grow.
    return page(entries, limit, viewOf, ({ until }) => until === null || Date.parse(until) > now)
  }

  async lift(network: Network, actor: string): Promise<Reply> {
    const id = textOfNetwork(network)
    const [entry = null] = await this.#desk.store.get('ban', [id])
    if (entry === null) return this.#missing(id)
    const act = { actor, action: 'ban.lift', target: id, before: viewOf(entry), after: null }
    const applied = await this.#ledger.apply([{ remove: { kind: 'ban', id }, expected: 'any' }], act)
    return applied.ok ? { status: 204, body: undefined } : this.#missing(id)
  }

  #missing(id: string): Reply {
    return refusal('unknown', `There is no ban of exactly ${id}: the list names those that there are.`)
  }
}

const isWithin = ({ address, prefix }: Network, wider: Network): boolean =>
  address.family === wider.address.family &&
  prefix >= wider.prefix &&
  networkOf(address, wider.prefix).address.text === wider.address.text

function banIn(entry: Pick<Entry, 'body'>): Ban {
  const parsed = ban.safeParse(jsonOf(entry.body))
  if (parsed.success) return parsed.data
  throw new StoreFault('incompatible', 'the record of a ban is of another version')
}

function viewOf(entry: Pick<Entry, 'body'>): View {
  const { network, until, level, reason, by, created } = banIn(entry)
  return {
    network,
    until: textOfTime(until),
    level,
    reason,
    by,
    created: new Date(created).toISOString(),
  }
}

import { type Address, type Network, networkKey, textOfNetwork } from '../../core/address.ts'
import type { Path } from '../../schema/problem.ts'
import { textOf } from '../places.ts'
import type { Policy } from '../schema.ts'
import { isWider } from './addresses.ts'
import type { Item } from './item.ts'
import { keysOf } from './keys.ts'

/** Wider than any range that a CDN publishes. */
const HOPS = { 4: 12, 6: 28 }

export const HOP_ITEMS: readonly Item[] = [
  {
    id: 'hops-narrow',
    what: 'Trusted hops are balancers and CDNs: no network wider than an IPv4 /12 or an IPv6 /28.',
    why: 'Whoever is in a trusted hop says who the client is, and so passes every list of networks, ban and limit by client.',
    how: 'Name the ranges that your CDN publishes and the addresses of your balancers.',
    look({ trustedHops }, tell) {
      for (const [index, network] of trustedHops.entries())
        if (isWider(network, HOPS))
          tell(
            ['trustedHops', index],
            `believes all of ${textOfNetwork(network)} in who the client is: name your balancers or CDN`,
          )
    },
  },
  {
    id: 'hops-apart',
    what: 'No trusted hop lies in a network from which clients or keys are let in.',
    why: 'A client in such a network is taken for a balancer, and the address that it writes into X-Forwarded-For is believed.',
    how: 'Name the balancers in `trustedHops` one by one, and keep them out of the networks of clients.',
    look(policy, tell) {
      const sharedWith = sharing(clientNetworksOf(policy), policy.trustedHops)
      for (const [index, hop] of policy.trustedHops.entries()) {
        const shared = sharedWith(hop)
        if (shared !== undefined)
          tell(
            ['trustedHops', index],
            `shares addresses with ${shared}, so that clients there could name any address: keep them apart`,
          )
      }
    },
  },
]

/** A network that lets somebody in by where he is, with its place in the file. */
interface ClientNetwork {
  readonly of: string
  readonly network: Network
}

/**
 * Says for a hop which network of clients shares addresses with it, if any does. Networks nest or are apart: two share
 * addresses when one of them holds the first address of the other. Each is found by its key, so that the work grows
 * with the length of both lists and not with their product.
 */
function sharing(
  clients: readonly ClientNetwork[],
  hops: readonly Network[],
): (hop: Network) => string | undefined {
  const around = new Map<string, string>()
  const within = new Map<string, string>()
  const hopWidths = widthsOf(hops)
  for (const { of, network } of clients) {
    keep(around, keyOf(network.address, network.prefix), of)
    for (const prefix of hopWidths[network.address.family])
      if (prefix <= network.prefix) keep(within, keyOf(network.address, prefix), of)
  }
  const clientWidths = widthsOf(clients.map(({ network }) => network))
  return ({ address, prefix }) => {
    const inside = within.get(keyOf(address, prefix))
    if (inside !== undefined) return inside
    for (const width of clientWidths[address.family]) {
      const outside = width <= prefix ? around.get(keyOf(address, width)) : undefined
      if (outside !== undefined) return outside
    }
    return undefined
  }
}

const keyOf = (address: Address, prefix: number): string =>
  `${address.family}/${prefix}/${networkKey(address, prefix)}`

/** The first that is told of a network stands for it. */
function keep(map: Map<string, string>, key: string, of: string): void {
  if (!map.has(key)) map.set(key, of)
}

/** The prefix lengths that occur, by family. */
function widthsOf(networks: readonly Network[]): Readonly<Record<4 | 6, ReadonlySet<number>>> {
  const widths = { 4: new Set<number>(), 6: new Set<number>() }
  for (const { address, prefix } of networks) widths[address.family].add(prefix)
  return widths
}

/** Every network that lets somebody in by where he is. */
function clientNetworksOf(policy: Policy): ClientNetwork[] {
  const lists: [Path, readonly Network[] | undefined][] = [
    ...Object.entries(policy.routes).map(([name, { networks }]): [Path, readonly Network[] | undefined] => [
      ['routes', name, 'networks', 'allow'],
      networks?.allow,
    ]),
    ...keysOf(policy).map(([id, { networks }]): [Path, readonly Network[] | undefined] => [
      ['apiKeys', 'keys', id, 'networks'],
      networks,
    ]),
  ]
  return lists.flatMap(([path, networks = []]) => networks.map((network) => ({ of: textOf(path), network })))
}

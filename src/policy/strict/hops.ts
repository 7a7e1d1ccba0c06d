import { AddressSet, type Network, textOfNetwork } from '../../core/address.ts'
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
      const clients = clientNetworksOf(policy)
      const everybody = new AddressSet(clients.map(({ network }) => network))
      const hops = new AddressSet(policy.trustedHops)
      // Networks nest or are apart: two share addresses when one of them holds the first address of the other.
      const within = clients.filter(({ network }) => hops.has(network.address))
      for (const [index, hop] of policy.trustedHops.entries()) {
        const own = new AddressSet([hop])
        const shared =
          within.find(({ network }) => own.has(network.address)) ??
          (everybody.has(hop.address)
            ? clients.find(({ network }) => new AddressSet([network]).has(hop.address))
            : undefined)
        if (shared !== undefined)
          tell(
            ['trustedHops', index],
            `shares addresses with ${shared.of}, so that clients there could name any address: keep them apart`,
          )
      }
    },
  },
]

/** Networks that let somebody in by where he is, each with its place in the file. */
function clientNetworksOf(policy: Policy): { of: string; network: Network }[] {
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

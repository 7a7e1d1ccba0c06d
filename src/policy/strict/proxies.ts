import { AddressSet, type Network, textOfNetwork } from '../../core/address.ts'
import type { ApiKeysSection } from '../../credentials/api-key.ts'
import type { Path } from '../../schema/problem.ts'
import { textOf } from '../places.ts'
import type { Policy } from '../schema.ts'
import { isWider, reachOf } from './addresses.ts'
import type { Item, Tell } from './item.ts'

/** A subnet of machines; a /64 is the least that IPv6 hands out. */
const PEERS = { 4: 24, 6: 64 }
/** Wider than any range that a CDN publishes. */
const HOPS = { 4: 12, 6: 28 }

export const PROXY_ITEMS: readonly Item[] = [
  {
    id: 'proxy-proof',
    what: 'Every proxy proves itself by a secret or a client certificate, not by its address alone.',
    why: 'Whatever else runs at a peer address, a neighbour in the same network or a second service on the same host, may otherwise ask for any request and learn what passes.',
    how: 'Write `secret: "${POSTERN_SECRET}"` (`openssl rand -hex 32`) in the entry and send it in `X-Postern-Secret`, as every recipe does, or name `certificates`.',
    look({ proxies }, tell) {
      for (const [name, proxy] of Object.entries(proxies))
        if (proxy !== undefined && proxy.secret === undefined && proxy.certificates === undefined)
          tell(['proxies', name], 'is known by its address alone: add secret or certificates')
    },
  },
  {
    id: 'proxy-peers',
    what: 'Where checks are taken beyond loopback, every proxy is also known by its address or certificate.',
    why: 'A secret travels with each check and is copied into configurations. With nothing else to show, whoever learns it may ask from anywhere.',
    how: 'Write `peers` with the addresses of the proxy, or `certificates`, beside the secret.',
    look({ listen, proxies }, tell) {
      const listeners = [listen.check, ...(listen.tls === undefined ? [] : [listen.tls.address])]
      if (listeners.every((address) => reachOf(address) === 'loopback')) return
      for (const [name, proxy] of Object.entries(proxies))
        if (proxy !== undefined && proxy.peers === undefined && proxy.certificates === undefined)
          tell(['proxies', name], 'may ask from everywhere, by its secret alone: add peers or certificates')
    },
  },
  {
    id: 'proxy-peers-narrow',
    what: 'Peers are the proxies and not their neighbourhood: no network wider than an IPv4 /24 or an IPv6 /64.',
    why: 'All of a wide network may ask, among them machines that have nothing to do with the proxy.',
    how: 'Name the addresses of the proxies, or give them a small network of their own.',
    look({ proxies }, tell) {
      for (const [name, proxy] of Object.entries(proxies))
        for (const [index, network] of (proxy?.peers ?? []).entries())
          if (isWider(network, PEERS))
            tell(
              ['proxies', name, 'peers', index],
              `takes checks from all of ${textOfNetwork(network)}: name the addresses of the proxy`,
            )
    },
  },
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
  {
    id: 'checks-encrypted',
    what: 'Checks in the clear are taken on loopback alone.',
    why: 'A check carries the token or key of the client and the secret of the proxy. On a network in the clear, whoever listens there has both.',
    how: 'Leave `listen.check` on loopback and give proxies elsewhere `listen.tls`. An isolated network that holds nothing but the proxy and Postern is a reason to accept this.',
    look: ({ listen }, tell) =>
      beyondLoopback(
        ['listen', 'check'],
        listen.check,
        'takes checks, and the credentials in them, in the clear: listen on loopback, or with listen.tls',
        tell,
      ),
  },
  {
    id: 'health-private',
    what: 'Health and metrics are not on a public address, nor on all of them.',
    why: 'Metrics tell strangers the names of routes, how many are refused and why, and when the store is down.',
    how: 'Set `listen.health` to loopback or to a private address that your monitoring reaches.',
    look({ listen }, tell) {
      const reach = listen.health === undefined ? 'loopback' : reachOf(listen.health)
      if (reach === 'public' || reach === 'everywhere')
        tell(['listen', 'health'], 'shows metrics to strangers: listen on loopback or a private address')
    },
  },
  {
    id: 'admin-loopback',
    what: 'The admin API listens on loopback.',
    why: 'It speaks plain HTTP, and its tokens rule keys, revocations and bans.',
    how: 'Set `listen.admin` to 127.0.0.1 and reach it through SSH, or put a proxy with TLS on the same host in front.',
    look: ({ listen }, tell) =>
      beyondLoopback(
        ['listen', 'admin'],
        listen.admin,
        'takes admin tokens in the clear: listen on loopback, with TLS in front where others need it',
        tell,
      ),
  },
]

function beyondLoopback(
  path: readonly string[],
  address: string | undefined,
  message: string,
  tell: Tell,
): void {
  if (address !== undefined && reachOf(address) !== 'loopback') tell(path, message)
}

/** Networks that let somebody in by where he is, each with its place in the file. */
function clientNetworksOf({ routes, ...policy }: Policy): { of: string; network: Network }[] {
  const { apiKeys } = policy as { readonly apiKeys?: ApiKeysSection }
  const lists: [Path, readonly Network[] | undefined][] = [
    ...Object.entries(routes).map(([name, { networks }]): [Path, readonly Network[] | undefined] => [
      ['routes', name, 'networks', 'allow'],
      networks?.allow,
    ]),
    ...Object.entries(apiKeys?.keys ?? {}).map(
      ([id, { networks }]): [Path, readonly Network[] | undefined] => [
        ['apiKeys', 'keys', id, 'networks'],
        networks,
      ],
    ),
  ]
  return lists.flatMap(([path, networks = []]) => networks.map((network) => ({ of: textOf(path), network })))
}

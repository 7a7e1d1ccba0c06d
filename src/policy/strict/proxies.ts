import { textOfNetwork } from '../../core/address.ts'
import { isWider, reachOf } from './addresses.ts'
import type { Item } from './item.ts'

/** A subnet of machines; a /64 is the least that IPv6 hands out. */
const PEERS = { 4: 24, 6: 64 }

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
]

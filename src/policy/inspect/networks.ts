import { type Network, networkOf, textOfNetwork } from '../../core/address.ts'
import type { DraftRoute } from '../draft.ts'
import type { Report } from '../inspect.ts'

/** Networks by their text, so that long lists are compared in time that grows with their length only. */
class NetworkSet {
  readonly #texts: ReadonlySet<string>
  readonly #prefixes: readonly number[]

  constructor(networks: readonly Network[]) {
    this.#texts = new Set(networks.map(textOfNetwork))
    this.#prefixes = [...new Set(networks.map(({ prefix }) => prefix))]
  }

  /** Whether one of the networks holds all of `inner`, with a prefix of at most `widest` bits. */
  contains({ address, prefix }: Network, widest = prefix): boolean {
    return this.#prefixes.some(
      (own) => own <= widest && own <= prefix && this.#texts.has(textOfNetwork(networkOf(address, own))),
    )
  }
}

/** Whether the networks together hold every address of a family, as 0.0.0.0/1 and 128.0.0.0/1 do. */
export function coverFamily(networks: readonly Network[]): boolean {
  return ([4, 6] as const).some((family) => {
    const own = networks.filter(({ address }) => address.family === family)
    const set = new NetworkSet(own)
    const outermost = new Map(
      own.flatMap((network) =>
        set.contains(network, network.prefix - 1) ? [] : [[textOfNetwork(network), network]],
      ),
    )
    return [...outermost.values()].reduce((sum, { prefix }) => sum + 2 ** -prefix, 0) === 1
  })
}

export function inspectNetworks({ networks }: DraftRoute, report: Report): void {
  if (networks === undefined) return
  const { allow, deny } = networks
  if (allow === undefined && deny === undefined)
    report(['networks'], 'names no network: write allow, deny or both')
  if (allow !== undefined && coverFamily(allow))
    report(['networks', 'allow'], 'allows every address and so says nothing: name networks, or leave it out')
  if (deny === undefined) return
  const denied = new NetworkSet(deny)
  if (coverFamily(deny))
    report(
      ['networks', 'deny'],
      'denies every address, so nobody could come in: name networks, or leave it out',
    )
  else if (allow?.every((one) => denied.contains(one)) === true)
    report(
      ['networks', 'deny'],
      'denies all that `allow` names, so nobody could come in: deny wins, name smaller networks',
    )
}

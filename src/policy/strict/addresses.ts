import { type Network, parseAddress } from '../../core/address.ts'
import { isPublic } from '../../core/reserved.ts'

/** How far the address of a listener can be reached, as far as its text tells. A name other than localhost tells nothing. */
export type Reach = 'loopback' | 'private' | 'public' | 'everywhere' | 'unknown'

/** @param listener HOST:PORT, with an IPv6 host in brackets */
export function reachOf(listener: string): Reach {
  return reachOfHost(listener.slice(0, listener.lastIndexOf(':')))
}

export function reachOfHost(host: string): Reach {
  if (host === 'localhost') return 'loopback'
  const address = parseAddress(host.replace(/^\[(.*)\]$/, '$1'))
  if (address === null) return 'unknown'
  if (address.text === '0.0.0.0' || address.text === '::') return 'everywhere'
  if (address.family === 4 ? address.text.startsWith('127.') : address.text === '::1') return 'loopback'
  return isPublic(address) ? 'public' : 'private'
}

/** Least prefix lengths, by family. */
export interface Widths {
  readonly 4: number
  readonly 6: number
}

export const isWider = ({ address, prefix }: Network, widths: Widths): boolean =>
  prefix < widths[address.family]

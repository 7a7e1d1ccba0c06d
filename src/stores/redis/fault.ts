import { StoreFault } from '../contract.ts'

/** An error reply: its code is the first word. The rest quotes what was sent, so it stays in here. */
export class Refusal {
  readonly code: string
  readonly rest: string

  constructor(message: string) {
    const [code = '', ...rest] = message.split(' ')
    this.code = /^[A-Z][A-Z0-9_]{1,31}$/.test(code) ? code : 'ERR'
    this.rest = rest.join(' ')
  }
}

/** What the codes mean to an operator. */
const MEANINGS: Readonly<Record<string, string>> = {
  READONLY: 'the server is a read-only replica',
  OOM: 'the server is out of memory',
  NOAUTH: 'the server wants a password',
  WRONGPASS: 'the server refuses our name or password',
  NOPERM: 'the server does not allow us a command, key or channel that is needed',
  LOADING: 'the server is still loading its data',
  BUSY: 'the server is busy with a script',
  MISCONF: 'the server cannot save its data, and so takes no writes',
  NOREPLICAS: 'the server has too few replicas to take writes',
  MASTERDOWN: 'the server is a replica that lost its master',
  CLUSTERDOWN: 'the cluster is down',
  TRYAGAIN: 'the cluster is moving the slot',
  MOVED: 'the cluster moves its slots faster than we can follow',
  ASK: 'the cluster moves its slots faster than we can follow',
  CROSSSLOT: 'the server is a cluster: name it under `cluster`',
  UNKILLABLE: 'the server is busy with a script',
}

export function refused({ code }: Refusal): StoreFault {
  return new StoreFault('unavailable', MEANINGS[code] ?? `the server answered with the error ${code}`)
}

/** Why there is no connection, as far as a code tells. */
export function unreachable(error: unknown): StoreFault {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  const why = /^[A-Z][A-Z0-9_]{1,63}$/.test(code) ? ` (${code})` : ''
  return new StoreFault('unavailable', `the server cannot be reached${why}`)
}

/** A command was on its way when the connection went. */
export const lost = () =>
  new StoreFault('timeout', 'the connection was lost before the answer came; it may have been executed')

import type { WebSocket as Socket } from '@cloudflare/workers-types'

/** Close codes (RFC 6455 section 7.4.1 and the IANA registry). */
const GOING_AWAY = 1001
const NO_CODE = 1005
const TRY_AGAIN_LATER = 1013
const BAD_GATEWAY = 1014

/** A connection through us whose ends are heard of. */
export interface Bridge {
  /** The end that the client is given. */
  readonly client: Socket
  /** Ends it from here, because it may not go on. */
  cut(): void
}

/**
 * Carries messages between the origin and a client, in both directions and as they are, until one of them closes: then
 * the other one is told the same code and reason. An end that breaks off can say nothing, so the other one is told what
 * happened in its place.
 * @param ended hears once that the connection is over
 */
export function bridge(origin: Socket, ended: () => void): Bridge {
  const { 0: client, 1: near } = new WebSocketPair()
  let over = false
  const end = () => {
    if (over) return
    over = true
    ended()
  }
  // Half-open, so that each end is told by the other one, and not by the runtime.
  for (const socket of [origin, near]) {
    socket.accept({ allowHalfOpen: true })
    socket.binaryType = 'arraybuffer'
  }
  carry(near, origin, GOING_AWAY, end)
  carry(origin, near, BAD_GATEWAY, end)
  return {
    client,
    cut: () => {
      close(near, TRY_AGAIN_LATER)
      close(origin, GOING_AWAY)
      end()
    },
  }
}

/** @param broken what the other end is told when this one breaks off */
function carry(from: Socket, to: Socket, broken: number, end: () => void): void {
  from.addEventListener('message', ({ data }) => {
    try {
      to.send(data)
    } catch {
      // It has closed meanwhile, and what is under way to it is lost as it would be on any connection.
    }
  })
  from.addEventListener('close', ({ code, reason, wasClean }) => {
    if (wasClean) close(to, code, reason)
    else close(to, broken)
    end()
  })
  from.addEventListener('error', () => {
    close(to, broken)
    end()
  })
}

function close(socket: Socket, code: number, reason?: string): void {
  try {
    if (code === NO_CODE) socket.close()
    else socket.close(code, reason)
  } catch {
    // It is closed already.
  }
}

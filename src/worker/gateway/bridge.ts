import type { WebSocket as Socket } from '@cloudflare/workers-types'

/** Close codes (RFC 6455 section 7.4.1 and the IANA registry). */
const GOING_AWAY = 1001
const NO_CODE = 1005
const TRY_AGAIN_LATER = 1013
const BAD_GATEWAY = 1014

/** Milliseconds in which an origin may answer a close; then nobody listens to it any more. */
const GRACE = 2_000

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
 * @param hangUp ends the connection to the origin, whatever that does
 * @param ended hears once that the connection is over
 */
export function bridge(origin: Socket, hangUp: () => void, ended: () => void): Bridge {
  const { 0: client, 1: near } = new WebSocketPair()
  const gone = new Set<Socket>()
  let timer: ReturnType<typeof setTimeout> | undefined
  const end = (socket: Socket) => {
    const first = gone.size === 0
    gone.add(socket)
    if (gone.size === 2) clearTimeout(timer)
    if (!first) return
    timer = setTimeout(hangUp, GRACE)
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
      end(near)
    },
  }
}

/** @param broken what the other end is told when this one breaks off */
function carry(from: Socket, to: Socket, broken: number, end: (socket: Socket) => void): void {
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
    end(from)
  })
  from.addEventListener('error', () => {
    close(to, broken)
    end(from)
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

import type { Server as HttpServer } from 'node:http'
import type { Http2SecureServer, ServerHttp2Session } from 'node:http2'
import { Server, type Socket } from 'node:net'
import { setTimeout as delay, setImmediate as turn } from 'node:timers/promises'

/** Milliseconds without any request after which no proxy is believed to be about to send one. */
const QUIET = 400

/** How often it is looked whether that is so. */
const STEP = 25

/** Milliseconds after which no turn of the event loop without a new connection is waited for any longer. */
const LONGEST_QUEUE = 250

/**
 * Lets go of connections without losing a check. First nobody new is let in. A proxy that keeps connections may have
 * sent a check on each of them while we decided to stop, so they stay open until they have been quiet, every answer
 * meanwhile says that it is the last on its connection, and only what is idle then is closed.
 */
export class Drain {
  active = false
  /**
   * Resolves when nobody new is let in any more, here and by others; null while that is not being seen to. Answers
   * wait for it: a proxy that connects for each check would come back at once, and find the door as it closes.
   */
  closing: Promise<void> | null = null
  readonly #servers: (HttpServer | Http2SecureServer)[] = []
  readonly #sessions = new Set<ServerHttp2Session>()
  readonly #sockets = new Set<Socket>()
  readonly #others: number
  #lastRequest = 0

  /**
   * @param others milliseconds that other processes need to stop listening on the same addresses
   */
  constructor(others = 0) {
    this.#others = others
  }

  /** Takes part in letting go of this server's connections. */
  add(server: HttpServer | Http2SecureServer): void {
    this.#servers.push(server)
    server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket)
      socket.on('close', () => this.#sockets.delete(socket))
    })
    server.on('session', (session: ServerHttp2Session) => {
      this.#sessions.add(session)
      session.on('close', () => this.#sessions.delete(session))
      session.on('error', () => session.destroy())
      // Its first check is on the way, or nobody would have connected.
      if (this.active) setTimeout(dismiss, QUIET, session)
    })
  }

  /** A request has arrived. */
  noticed(): void {
    this.#lastRequest = performance.now()
  }

  /** Resolves once every connection is closed, at the latest after `patience` milliseconds. */
  async run(patience: number): Promise<void> {
    const latest = performance.now() + patience
    const closing = Promise.withResolvers<void>()
    this.closing = closing.promise
    const stopped = await Promise.all(this.#servers.map(stopListening))
    if (this.#others > 0) await delay(this.#others)
    this.active = true
    this.noticed()
    this.closing = null
    closing.resolve()
    for (const session of this.#sessions) setImmediate(dismiss, session)
    const timer = setInterval(() => {
      const now = performance.now()
      if (now > latest) this.#closeAll()
      else if (now - this.#lastRequest > QUIET) this.#closeIdle()
    }, STEP)
    await Promise.all(stopped.map(({ closed }) => closed))
    clearInterval(timer)
  }

  #closeIdle(): void {
    for (const server of this.#servers) {
      // An HTTP/2 server that also speaks HTTP/1.1 has it as well, but not in its types.
      if ('closeIdleConnections' in server) (server as HttpServer).closeIdleConnections()
    }
    for (const session of this.#sessions) dismiss(session)
  }

  #closeAll(): void {
    for (const socket of this.#sockets) socket.destroy()
  }
}

/**
 * Stops accepting, once all that waited has been accepted: a turn of the event loop takes in one connection for each
 * listener, and those that wait when it closes are reset. `close` of an HTTP server would cut idle connections at once,
 * and with them a check that is on its way.
 * @returns `closed`: resolves when the last connection has ended
 */
async function stopListening(
  server: HttpServer | Http2SecureServer,
): Promise<{ readonly closed: Promise<void> }> {
  const latest = performance.now() + LONGEST_QUEUE
  let came = true
  const noticed = (): void => {
    came = true
  }
  server.on('connection', noticed)
  // From here on a turn looks for connections once: what is left of this one may not look any more.
  await turn()
  while (came && performance.now() < latest) {
    came = false
    await turn()
  }
  server.off('connection', noticed)
  return { closed: new Promise((resolve) => Server.prototype.close.call(server, () => resolve())) }
}

/**
 * Sends GOAWAY with the last stream that was taken in and answers up to it (RFC 9113 section 6.8): what comes later
 * was not looked at, and the proxy knows that it may ask elsewhere. The notice that the RFC suggests to send before
 * (the same with the highest stream number) is of no use here: Node drops later streams after that one as well, and
 * the proxy would wait for them.
 */
function dismiss(session: ServerHttp2Session): void {
  if (!session.closed && !session.destroyed) session.close()
}

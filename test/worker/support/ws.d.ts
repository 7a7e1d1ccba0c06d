/** The part of `ws` that the suites use; it comes with miniflare, and its types do not. */
declare module 'ws' {
  import type { EventEmitter } from 'node:events'
  import type { IncomingMessage } from 'node:http'
  import type { Duplex } from 'node:stream'

  interface Bounds {
    readonly perMessageDeflate?: boolean
    readonly maxPayload?: number
  }

  export class WebSocket extends EventEmitter {
    constructor(
      url: string,
      protocols: readonly string[],
      options: Bounds & { readonly headers?: Readonly<Record<string, string>> },
    )
    readonly protocol: string
    send(data: Buffer | string, options?: { readonly binary?: boolean }): void
    close(code?: number, reason?: string): void
    terminate(): void
    pause(): void
    resume(): void
    on(event: 'open', listener: () => void): this
    on(event: 'message', listener: (data: Buffer, binary: boolean) => void): this
    on(event: 'close', listener: (code: number, reason: Buffer) => void): this
    on(event: 'error', listener: (error: Error) => void): this
    on(event: 'upgrade', listener: (response: IncomingMessage) => void): this
    on(event: 'unexpected-response', listener: (request: unknown, response: IncomingMessage) => void): this
  }

  export class WebSocketServer extends EventEmitter {
    constructor(
      options: Bounds & {
        readonly noServer: true
        readonly handleProtocols?: (offered: ReadonlySet<string>) => string | false
      },
    )
    handleUpgrade(
      request: IncomingMessage,
      socket: Duplex,
      head: Buffer,
      done: (connection: WebSocket) => void,
    ): void
    on(event: 'headers', listener: (lines: string[]) => void): this
  }
}

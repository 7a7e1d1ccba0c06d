import { type IncomingHttpHeaders, IncomingMessage } from 'node:http'

/** What Node itself asks a request's header for, by the length of the name. */
const ASKED: ReadonlyMap<number, string> = new Map(
  ['te', 'host', 'expect', 'content-length', 'transfer-encoding'].map((name) => [name.length, name]),
)

const READ: unique symbol = Symbol('read')

/**
 * A request of HTTP/1.1 whose `headers` holds no more than what Node looks at to take it in: whether a body comes, and
 * whether the client waits to be told to send it. Everything else is read from `rawHeaders`, where repeated lines are
 * still two; to make an object of a dozen lines that nobody reads took a twentieth of a check.
 */
export class CheckMessage extends IncomingMessage {
  [READ]: IncomingHttpHeaders | undefined
}

// Node has it as an accessor as well, and its types as a property, which no accessor of a subclass may stand for.
Object.defineProperty(CheckMessage.prototype, 'headers', {
  get(this: CheckMessage): IncomingHttpHeaders {
    this[READ] ??= asked(this.rawHeaders)
    return this[READ]
  },
})

function asked(raw: readonly string[]): IncomingHttpHeaders {
  const headers: Record<string, string> = Object.create(null)
  for (let at = 0; at < raw.length; at += 2) {
    const sent = raw[at] as string
    const name = ASKED.get(sent.length)
    if (name === undefined || sent.toLowerCase() !== name) continue
    const value = raw[at + 1] as string
    headers[name] = name in headers ? `${headers[name]}, ${value}` : value
  }
  return headers
}

import { type Notice, read, textOf } from './notice.ts'

/** Hexadecimal digits of a channel's name, 128 bits: as hard to guess as a key. */
const CHANNEL_DIGITS = 32

/** A secret that notices are signed with. */
export interface NoticeKey {
  /** 1 to 32 letters, digits, `-` and `_`. */
  readonly version: string
  readonly secret: string
}

/** What a seal is made with. */
export interface SealOptions {
  /** The last one signs, all of them verify: a new key is added everywhere before the old one goes. At least one. */
  readonly keys: readonly NoticeKey[]
  /** What tells deployments apart that share a server, and perhaps a secret. */
  readonly namespace: string
  /** HMAC-SHA-256 over the UTF-8 text, as lower-case hex. */
  hmacSha256(key: string, text: string): string
  /** Whether a text is the expected one, in a time that tells nothing about that. */
  equal(given: string, expected: string): boolean
}

/** Signs notices and tells ours from others. */
export class Seal {
  /** One for each key, in their order: whoever does not know the secret does not know where to listen or speak. */
  readonly channels: readonly string[]
  /** The channel of the key that signs. */
  readonly channel: string
  readonly #options: SealOptions
  readonly #signing: NoticeKey
  readonly #secrets: ReadonlyMap<string, string>

  constructor(options: SealOptions) {
    const { keys, namespace, hmacSha256 } = options
    const signing = keys.at(-1)
    if (signing === undefined) throw new RangeError('notices need a key to be signed with')
    const channelOf = ({ secret }: NoticeKey) =>
      `postern:${hmacSha256(secret, `channel ${namespace}`).slice(0, CHANNEL_DIGITS)}`
    this.channels = keys.map(channelOf)
    this.channel = channelOf(signing)
    this.#options = options
    this.#signing = signing
    this.#secrets = new Map(keys.map(({ version, secret }) => [version, secret]))
  }

  sign(notice: Omit<Notice, 'key'>): string {
    const { version, secret } = this.#signing
    const text = textOf({ ...notice, key: version })
    return `${text} ${this.#signature(secret, text)}`
  }

  /** The notice, once it has proved to come from somebody who has a key. */
  open(message: string): Notice | 'malformed' | 'unknown_key' | 'forged' {
    const received = read(message)
    if (received === null) return 'malformed'
    const { notice, text, signature } = received
    const secret = this.#secrets.get(notice.key)
    if (secret === undefined) return 'unknown_key'
    return this.#options.equal(signature, this.#signature(secret, text)) ? notice : 'forged'
  }

  /** Over the namespace too: what was said in one deployment must not pass in another that has the same secret. */
  #signature(secret: string, text: string): string {
    const { namespace, hmacSha256 } = this.#options
    return hmacSha256(secret, `notice ${namespace.length} ${namespace} ${text}`)
  }
}

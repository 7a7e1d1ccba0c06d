import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFile, stat } from 'node:fs/promises'
import { createSecureContext } from 'node:tls'
import { inWords, type ProcessLog } from './log.ts'

/** A certificate chain and its key, both PEM. */
export interface KeyPair {
  readonly cert: Buffer
  readonly key: Buffer
}

export interface CertificateFiles {
  readonly certificate: string
  readonly key: string
}

/**
 * Watches a certificate and its key for renewal. The files are polled, because what replaces them (ACME clients,
 * mounted secrets, symbolic links) seldom makes an event that every file system reports.
 */
export class Certificate {
  readonly #files: CertificateFiles
  readonly #log: ProcessLog
  #seen = ''
  #problem = ''
  #timer: NodeJS.Timeout | null = null

  constructor(files: CertificateFiles, log: ProcessLog) {
    this.#files = files
    this.#log = log
  }

  /** @throws when the files cannot be read or do not belong together: a start must not go on without them */
  async load(): Promise<KeyPair> {
    this.#seen = await this.#signature()
    return this.#read()
  }

  /** Calls `use` with every new pair that holds together. A broken one is reported, and the old one stays in use. */
  watch(use: (pair: KeyPair) => void, interval: number): void {
    this.#timer = setInterval(() => void this.refresh(use), interval)
    this.#timer.unref()
  }

  async refresh(use: (pair: KeyPair) => void): Promise<void> {
    try {
      const signature = await this.#signature()
      if (signature === this.#seen) return
      // Noted before it is judged: a broken pair is reported once, and judged again when one of its files changes.
      this.#seen = signature
      const pair = await this.#read()
      use(pair)
      this.#problem = ''
      this.#log.info('certificate_renewed', { validTo: new X509Certificate(pair.cert).validTo })
    } catch (cause) {
      const problem = inWords(cause)
      if (problem === this.#problem) return
      this.#problem = problem
      this.#log.error('certificate_refused', { problem, kept: 'the one in use' })
    }
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer)
  }

  async #signature(): Promise<string> {
    const stats = await Promise.all([stat(this.#files.certificate), stat(this.#files.key)])
    return stats.map(({ mtimeMs, size, ino }) => `${mtimeMs}/${size}/${ino}`).join(' ')
  }

  async #read(): Promise<KeyPair> {
    const [cert, key] = await Promise.all([readFile(this.#files.certificate), readFile(this.#files.key)])
    createSecureContext({ cert, key })
    if (!new X509Certificate(cert).checkPrivateKey(createPrivateKey(key))) {
      throw new Error('the key does not belong to the certificate')
    }
    return { cert, key }
  }
}

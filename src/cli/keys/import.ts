import { createReadStream, statSync } from 'node:fs'
import { basename, resolve } from 'node:path'
import type { Command } from 'commander'
import { importResult, MAX_IMPORT } from '../../admin/key-import.ts'
import { problemDocument } from '../../admin/reply.ts'
import {
  bodyOf,
  type Connection,
  failureOf,
  pathOf,
  printable,
  type Replied,
  withAdmin,
} from '../admin/connection.ts'
import { type Common, common } from '../admin/options.ts'
import { CommandFailure } from '../failure.ts'
import type { Io } from '../io.ts'
import { FileFault } from './csv.ts'
import { type Format, type ImportRow, importRows } from './import-file.ts'
import { ImportOffset } from './import-offset.ts'

interface Options extends Common {
  readonly format?: string
  readonly batch?: string
  readonly resume?: string
}

/** Milliseconds between two lines of progress. */
const PROGRESS = 1000

export function register(keys: Command, io: Io): void {
  common(
    keys
      .command('import')
      .description('take API keys from elsewhere, by digest; what was imported before is left as it is')
      .argument('<file>', 'JSON lines or CSV; - for standard input'),
  )
    .option('--format <format>', 'jsonl or csv; by the name of the file unless given')
    .option('--batch <count>', `records in one request, 1 to ${MAX_IMPORT}`, String(MAX_IMPORT))
    .option('--resume <file>', 'remember there how far it came, and go on from there')
    .action((file: string, options: Options) => importKeys(file, options, io))
}

async function importKeys(file: string, options: Options, io: Io): Promise<void> {
  const format = formatOf(options.format ?? (file.endsWith('.csv') ? 'csv' : 'jsonl'))
  const batch = batchOf(options.batch ?? '')
  const source = sourceOf(file, io)
  const offset =
    options.resume === undefined
      ? null
      : new ImportOffset(resolve(io.cwd, options.resume), basename(file), source.size)
  const tally = await withAdmin(options, io, (connection) =>
    new Import(connection, file, batch, offset, io).run(importRows(source.bytes, format)),
  )
  if (options.json === true) io.stdout.write(`${JSON.stringify(tally)}\n`)
  else io.stdout.write(`${tally.records} records: ${tally.created} new, ${tally.skipped} known before\n`)
}

interface Tally {
  readonly records: number
  readonly created: number
  readonly skipped: number
}

/** One run through a file, a batch of records at a time; nothing of it is held longer. */
class Import {
  readonly #connection: Connection
  readonly #file: string
  readonly #batch: number
  readonly #offset: ImportOffset | null
  readonly #io: Io
  #records = 0
  #created = 0
  #skipped = 0
  #told = performance.now()
  readonly #started = performance.now()

  constructor(connection: Connection, file: string, batch: number, offset: ImportOffset | null, io: Io) {
    this.#connection = connection
    this.#file = file
    this.#batch = batch
    this.#offset = offset
    this.#io = io
  }

  async run(rows: AsyncIterable<ImportRow>): Promise<Tally> {
    const done = this.#offset?.read() ?? 0
    let waiting: ImportRow[] = []
    try {
      for await (const row of rows) {
        if (this.#records + waiting.length < done) {
          this.#records++
          this.#skipped++
          continue
        }
        waiting.push(row)
        if (waiting.length < this.#batch) continue
        await this.#send(waiting)
        waiting = []
      }
      if (waiting.length > 0) await this.#send(waiting)
    } catch (error) {
      throw this.#failure(error)
    }
    this.#offset?.end()
    return { records: this.#records, created: this.#created, skipped: this.#skipped }
  }

  async #send(rows: readonly ImportRow[]): Promise<void> {
    const replied = await this.#connection.ask('POST', pathOf(['keys', 'import']), {
      body: { keys: rows.map(({ fields }) => fields) },
    })
    if (replied.status >= 400) throw this.#refused(replied, rows)
    const { created, skipped } = bodyOf(replied, importResult)
    this.#records += rows.length
    this.#created += created
    this.#skipped += skipped
    this.#offset?.write(this.#records)
    if (performance.now() - this.#told >= PROGRESS) this.#progress()
  }

  #progress(): void {
    this.#told = performance.now()
    const rate = Math.round(this.#records / ((this.#told - this.#started) / 1000))
    this.#io.stderr.write(
      `${this.#records} records: ${this.#created} new, ${this.#skipped} known before; ${rate}/s\n`,
    )
  }

  /** Says of each problem on which line it is. */
  #refused(replied: Replied, rows: readonly ImportRow[]): CommandFailure {
    const parsed = problemDocument.safeParse(replied.body)
    if (!parsed.success || parsed.data.problems.length === 0) return failureOf(replied)
    const { problems } = parsed.data
    const lines = problems.map(({ path, message }) => {
      const [, index, field] = /^keys\[(\d+)\]\.?(.*)$/s.exec(path) ?? []
      const row = index === undefined ? undefined : rows[Number(index)]
      // Others of the same batch are meant by the lines on which they are, too.
      const text = message.replace(/keys\[(\d+)\]/g, (whole, other: string) => {
        const line = rows[Number(other)]?.line
        return line === undefined ? whole : `line ${line}`
      })
      return printable(
        `${this.#file}:${row?.line ?? rows[0]?.line ?? 1}: ${field === undefined || field === '' ? '' : `${field}: `}${text}`,
      )
    })
    return new CommandFailure(1, `${lines.join('\n')}\n`)
  }

  /** Adds how far it came. */
  #failure(error: unknown): unknown {
    const so = `${this.#records} records are imported; run it again once this is put right, and they are left as they are\n`
    if (error instanceof FileFault)
      return new CommandFailure(1, `${this.#file}:${error.line}: ${error.message}\n${so}`)
    if (error instanceof CommandFailure) return new CommandFailure(1, `${error.message}${so}`)
    if (error instanceof Error && 'code' in error && 'syscall' in error)
      return new CommandFailure(1, `${this.#file} cannot be read (${String(error.code)})\n${so}`)
    return error
  }
}

function formatOf(text: string): Format {
  if (text === 'jsonl' || text === 'csv') return text
  throw new CommandFailure(2, `--format ${JSON.stringify(text)} is not known: write jsonl or csv\n`)
}

function batchOf(text: string): number {
  const count = /^\d{1,4}$/.test(text) ? Number(text) : 0
  if (count >= 1 && count <= MAX_IMPORT) return count
  throw new CommandFailure(2, `--batch ${JSON.stringify(text)} is not a number from 1 to ${MAX_IMPORT}\n`)
}

/** The bytes of a file or of standard input, and how many there are where that is known. */
function sourceOf(
  file: string,
  io: Io,
): { readonly bytes: AsyncIterable<Uint8Array | string>; readonly size: number | null } {
  if (file === '-') return { bytes: io.stdin ?? process.stdin, size: null }
  const path = resolve(io.cwd, file)
  const status = statSync(path, { throwIfNoEntry: false })
  if (status?.isFile() !== true) throw new CommandFailure(1, `${file} is not a file that can be read\n`)
  return { bytes: bytesOf(path), size: status.size }
}

/** Opened only when somebody reads, so that an import which never begins leaves nothing open. */
async function* bytesOf(path: string): AsyncGenerator<Uint8Array> {
  yield* createReadStream(path, { highWaterMark: 1 << 18 })
}

import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import * as z from 'zod'
import { jsonOf } from '../../schema/json.ts'
import { CommandFailure } from '../failure.ts'

const offset = z.strictObject({
  /** What is imported: its name and size, by which it is known again. */
  source: z.string(),
  size: z.number().nullable(),
  /** Records that are done. */
  records: z.int().min(0),
})

/** Remembers in a file how far an import came, so that the next one goes on from there. */
export class ImportOffset {
  readonly #path: string
  readonly #source: string
  readonly #size: number | null

  constructor(path: string, source: string, size: number | null) {
    this.#path = path
    this.#source = source
    this.#size = size
  }

  /** Records to leave out; 0 when nothing was begun. */
  read(): number {
    let text: string
    try {
      text = readFileSync(this.#path, 'utf8')
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return 0
      throw new CommandFailure(1, `${this.#path} cannot be read\n`)
    }
    const parsed = offset.safeParse(jsonOf(text))
    if (!parsed.success)
      throw new CommandFailure(1, `${this.#path} is not what an import has written: name another file\n`)
    const { source, size, records } = parsed.data
    if (source === this.#source && size === this.#size) return records
    throw new CommandFailure(
      1,
      `${this.#path} belongs to the import of ${source}, or that file has changed: delete it to begin anew\n`,
    )
  }

  /** In one step, so that there is always a whole file. */
  write(records: number): void {
    const beside = `${this.#path}.new`
    writeFileSync(beside, JSON.stringify({ source: this.#source, size: this.#size, records }))
    renameSync(beside, this.#path)
  }

  /** The import is done. */
  end(): void {
    rmSync(this.#path, { force: true })
  }
}

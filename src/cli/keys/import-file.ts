import { suggestion } from '../../schema/problem.ts'
import { csvRows, FileFault, type Row, textRows } from './csv.ts'

export type Format = 'jsonl' | 'csv'

/** A record as the admin API takes it, checked there. */
export type ImportRow = Row<unknown>

/** Columns of a CSV file, by the first line; lists are separated by spaces. */
const LISTS = ['roles', 'permissions', 'scopes', 'networks', 'limits']
const TEXTS = ['id', 'owner', 'digest', 'tenant', 'email', 'notBefore', 'expires', 'description']
const COLUMNS = [...TEXTS, ...LISTS]

/** Records of a file as they come. @throws {FileFault} where it cannot be read */
export function importRows(
  bytes: AsyncIterable<Uint8Array | string>,
  format: Format,
): AsyncGenerator<ImportRow> {
  const text = decoded(bytes)
  return format === 'csv' ? recordsOfCsv(text) : recordsOfJson(text)
}

async function* decoded(bytes: AsyncIterable<Uint8Array | string>): AsyncGenerator<string> {
  const decoder = new TextDecoder()
  for await (const chunk of bytes)
    yield typeof chunk === 'string' ? chunk : decoder.decode(chunk, { stream: true })
  yield decoder.decode()
}

async function* recordsOfJson(text: AsyncIterable<string>): AsyncGenerator<ImportRow> {
  for await (const { line, fields } of textRows(text)) {
    try {
      yield { line, fields: JSON.parse(fields) }
    } catch (error) {
      // What the parser says quotes the line.
      if (error instanceof SyntaxError) throw new FileFault(line, 'is not JSON: write one object a line')
      throw error
    }
  }
}

async function* recordsOfCsv(text: AsyncIterable<string>): AsyncGenerator<ImportRow> {
  let header: string[] | null = null
  for await (const { line, fields } of csvRows(text)) {
    if (header === null) {
      header = headerOf(fields, line)
      continue
    }
    if (fields.length !== header.length)
      throw new FileFault(line, `has ${fields.length} fields, and the first line names ${header.length}`)
    const record: Record<string, unknown> = {}
    for (const [index, name] of header.entries()) {
      const value = fields[index] ?? ''
      if (value !== '')
        record[name] = LISTS.includes(name) ? value.split(' ').filter((entry) => entry !== '') : value
    }
    yield { line, fields: record }
  }
}

function headerOf(fields: readonly string[], line: number): string[] {
  // Spreadsheets begin a file with a byte order mark.
  const names = fields.map((name) => name.replace(/^\ufeff/, '').trim())
  for (const [index, name] of names.entries()) {
    if (!COLUMNS.includes(name))
      throw new FileFault(
        line,
        `names a column ${JSON.stringify(name.slice(0, 64))}: ${suggestion(name.slice(0, 64), COLUMNS)}`,
      )
    if (names.indexOf(name) !== index) throw new FileFault(line, `names the column ${name} twice`)
  }
  for (const name of ['owner', 'digest'])
    if (!names.includes(name)) throw new FileFault(line, `names no column ${name}`)
  return names
}

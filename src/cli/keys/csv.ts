/** One record of a file, and the line on which it begins. */
export interface Row<Fields> {
  readonly line: number
  readonly fields: Fields
}

/** A file that cannot be read any further: where, and why. */
export class FileFault extends Error {
  override readonly name = 'FileFault'
  readonly line: number

  constructor(line: number, message: string) {
    super(message)
    this.line = line
  }
}

/** Characters of one record: far more than any key needs, far less than a file without an end. */
export const MAX_RECORD = 65_536

/**
 * CSV (RFC 4180) as it comes: fields in quotes may hold commas, doubled quotes and line breaks. Empty lines are left
 * out. Never holds more than one record.
 */
export async function* csvRows(chunks: AsyncIterable<string>): AsyncGenerator<Row<string[]>> {
  let fields: string[] = []
  let field = ''
  /** `quote`: the last character was a quote inside of quotes, so that the next tells what it meant. */
  let state: 'start' | 'plain' | 'quoted' | 'quote' = 'start'
  let size = 0
  let line = 1
  let begun = 1
  const isEmpty = () => fields.length === 0 && field === '' && state === 'start'
  const endField = () => {
    fields.push(field)
    field = ''
    state = 'start'
  }
  for await (const chunk of chunks) {
    for (const char of chunk) {
      if (++size > MAX_RECORD) throw new FileFault(begun, `is longer than ${MAX_RECORD} characters`)
      if (char === '\n') line++
      if (state === 'quoted') {
        if (char === '"') state = 'quote'
        else field += char
      } else if (char === '"' && state === 'quote') {
        field += char
        state = 'quoted'
      } else if (char === '"' && state === 'start') state = 'quoted'
      else if (char === ',') endField()
      else if (char === '\n') {
        if (!isEmpty()) {
          endField()
          yield { line: begun, fields }
        }
        fields = []
        size = 0
        begun = line
      } else if (char === '\r') continue
      else if (state === 'quote' || char === '"')
        throw new FileFault(line, 'has a quote where none may be: write "" for one inside of quotes')
      else {
        field += char
        state = 'plain'
      }
    }
  }
  if (state === 'quoted') throw new FileFault(begun, 'has a quote that is never closed')
  if (!isEmpty()) {
    endField()
    yield { line: begun, fields }
  }
}

/** Lines as they come, without empty ones. */
export async function* textRows(chunks: AsyncIterable<string>): AsyncGenerator<Row<string>> {
  let rest = ''
  let line = 1
  for await (const chunk of chunks) {
    const parts = (rest + chunk).split('\n')
    rest = parts.pop() ?? ''
    for (const part of parts) {
      if (part.length > MAX_RECORD) throw new FileFault(line, `is longer than ${MAX_RECORD} characters`)
      const fields = part.trim()
      if (fields !== '') yield { line, fields }
      line++
    }
    if (rest.length > MAX_RECORD) throw new FileFault(line, `is longer than ${MAX_RECORD} characters`)
  }
  if (rest.trim() !== '') yield { line, fields: rest.trim() }
}

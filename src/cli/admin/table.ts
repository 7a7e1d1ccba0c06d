import type { TextSink } from '../io.ts'
import { printable } from './connection.ts'

/** One column: its heading, and what of an item stands in it. */
export type Column<Item> = readonly [heading: string, text: (item: Item) => string | number | null]

/** Rows whose columns are as wide as the widest of these; what is longer in a later page pushes the rest aside. */
const PAGE = 500

/** Prints a table for people, page by page, so that a long list needs no more room than a short one. */
export async function printTable<Item>(
  items: AsyncIterable<Item>,
  columns: readonly Column<Item>[],
  out: TextSink,
): Promise<number> {
  let widths: number[] | null = null
  let rows: string[][] = []
  let count = 0
  const flush = () => {
    const head = widths === null ? [columns.map(([heading]) => heading)] : []
    const all = [...head, ...rows]
    widths ??= columns.map((_, index) => Math.max(...all.map((row) => row[index]?.length ?? 0)))
    for (const row of all) out.write(`${line(row, widths)}\n`)
    rows = []
  }
  for await (const item of items) {
    rows.push(columns.map(([, text]) => printable(String(text(item) ?? '-')) || '-'))
    count++
    if (rows.length === PAGE) flush()
  }
  if (rows.length > 0) flush()
  return count
}

const line = (row: readonly string[], widths: readonly number[]): string =>
  row
    .map((cell, index) => cell.padEnd(widths[index] ?? 0))
    .join('  ')
    .trimEnd()

/** Prints one JSON array, item by item. */
export async function printArray(items: AsyncIterable<unknown>, out: TextSink): Promise<void> {
  let first = true
  for await (const item of items) {
    out.write(`${first ? '[' : ','}\n${JSON.stringify(item)}`)
    first = false
  }
  out.write(first ? '[]\n' : '\n]\n')
}

/** Prints names and values below each other; what there is not is left out. */
export function printFields(fields: Readonly<Record<string, unknown>>, out: TextSink): void {
  const shown = Object.entries(fields)
    .map(([name, value]) => [name, textOf(value)] as const)
    .filter(([, text]) => text !== '')
  const width = Math.max(...shown.map(([name]) => name.length))
  for (const [name, text] of shown) out.write(`${name.padEnd(width)}  ${printable(text)}\n`)
}

function textOf(value: unknown): string {
  if (Array.isArray(value)) return value.map(textOf).join(', ')
  if (value === null || value === undefined) return ''
  if (typeof value === 'object')
    return Object.entries(value)
      .filter(([, inner]) => inner !== null)
      .map(([name, inner]) => `${name} ${textOf(inner)}`)
      .join(' ')
  return String(value)
}

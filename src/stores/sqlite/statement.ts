import type { DatabaseSync, SQLOutputValue } from 'node:sqlite'

type Value = number | string | null
export type Row = readonly SQLOutputValue[]

/** A statement whose rows are arrays: an object with names takes ten times as long to make. */
export interface Statement {
  get(...values: Value[]): Row | undefined
  all(...values: Value[]): readonly Row[]
  run(...values: Value[]): unknown
}

export function prepare(db: DatabaseSync, sql: string): Statement {
  const statement = db.prepare(sql)
  statement.setReturnArrays(true)
  return statement as unknown as Statement
}

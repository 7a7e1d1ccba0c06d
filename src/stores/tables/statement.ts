type Value = number | string | null
export type Row = readonly unknown[]

/** A statement whose rows are arrays: an object with names takes ten times as long to make. */
export interface Statement {
  get(...values: Value[]): Row | undefined
  all(...values: Value[]): readonly Row[]
  run(...values: Value[]): unknown
}

/** Makes a statement of SQL in SQLite's dialect. */
export type Prepare = (sql: string) => Statement

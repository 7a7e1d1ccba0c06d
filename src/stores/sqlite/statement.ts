import type { DatabaseSync } from 'node:sqlite'
import type { Statement } from '../tables/statement.ts'

export function prepare(db: DatabaseSync, sql: string): Statement {
  const statement = db.prepare(sql)
  statement.setReturnArrays(true)
  return statement as unknown as Statement
}

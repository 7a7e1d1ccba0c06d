import type { SqlStorage } from '@cloudflare/workers-types'
import type { Prepare, Row } from '../tables/statement.ts'

/** Statements of an object's database, which keeps them prepared by their text. */
export const statements =
  (sql: SqlStorage): Prepare =>
  (text) => {
    const all = (...values: unknown[]): readonly Row[] => [...sql.exec(text, ...values).raw()]
    return { all, get: (...values) => all(...values)[0], run: all }
  }

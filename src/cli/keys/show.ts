import type { KeyView } from '../../admin/key-view.ts'
import { printFields } from '../admin/table.ts'
import type { Io } from '../io.ts'

/** Prints a key; a secret that is in the answer comes first, because it is never shown again. */
export function printKey(view: KeyView & { readonly key?: string }, json: boolean | undefined, io: Io): void {
  if (json === true) {
    io.stdout.write(`${JSON.stringify(view)}\n`)
    return
  }
  const { key, ...fields } = view
  if (key !== undefined) io.stdout.write(`The key, shown this once:\n\n  ${key}\n\n`)
  printFields(fields, io.stdout)
}

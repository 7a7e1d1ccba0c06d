import { describe } from 'vitest'
import { sideBySide } from './side-by-side.ts'
import { missingHere, SQLITE } from './sqlite.ts'

const missing = await missingHere()
describe('when the file of state fails', () => sideBySide(SQLITE, missing))

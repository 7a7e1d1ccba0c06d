import { describe } from 'vitest'
import { sideBySide } from './side-by-side.ts'
import { SQLITE } from './sqlite.ts'

describe('when the file of state fails', () => sideBySide(SQLITE))

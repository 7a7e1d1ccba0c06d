import { conforms } from './suite.ts'
import { core } from './targets/core.ts'

await conforms(core)

import { conforms } from './suite.ts'
import { node } from './targets/node.ts'

await conforms(node)

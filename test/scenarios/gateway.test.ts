import { conforms } from './suite.ts'
import { workerdGateway } from './targets/workerd-gateway.ts'

await conforms(workerdGateway)

/** Postern as a part of another Node program: the same service that `postern serve` runs. */
export { createCheckHandler } from './node/check-handler.ts'
export { Drain } from './node/drain.ts'
export { LineWriter } from './node/lines.ts'
export { createPlainServer, createTlsServer } from './node/listeners.ts'
export { Service, type ServiceOptions } from './node/service.ts'

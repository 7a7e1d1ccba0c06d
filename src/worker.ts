import { env } from 'cloudflare:workers'
import artefact from 'postern-policy'
import { Isolate } from './worker/isolate.ts'

export { PosternState } from './stores/durable-object/object.ts'

const isolate = new Isolate(artefact, env)

export default {
  fetch: (request: Request): Promise<Response> => isolate.fetch(request),
}

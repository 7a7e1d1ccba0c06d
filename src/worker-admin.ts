import { env } from 'cloudflare:workers'
import artefact from 'postern-policy'
import { AdminIsolate } from './worker/admin.ts'

const isolate = new AdminIsolate(artefact, env)

export default {
  fetch: (request: Request): Promise<Response> => isolate.fetch(request),
}

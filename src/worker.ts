import { env, WorkerEntrypoint } from 'cloudflare:workers'
import artefact from 'postern-policy'
import { responseOf } from './http/answer.ts'
import { unavailable } from './http/respond.ts'
import { Isolate } from './worker/isolate.ts'
import type { Answer, PosternService, Question } from './worker/question.ts'
import { answerOf } from './worker/rpc.ts'

export { PosternState } from './stores/durable-object/object.ts'

const isolate = new Isolate(artefact, env)

/** Checks of proxies elsewhere, and with a gateway every request. */
export default {
  fetch: (request: Request): Promise<Response> => isolate.fetch(request),
}

/** What other Workers ask through a service binding. */
export class Postern extends WorkerEntrypoint implements PosternService {
  async check(question: Question): Promise<Answer> {
    const running = await isolate.running()
    return running === null
      ? { allowed: false, reason: 'internal', response: responseOf(unavailable()) }
      : answerOf(question, running)
  }
}

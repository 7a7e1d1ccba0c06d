import { env } from 'cloudflare:workers'
import { sha256 } from '../../src/ports/worker-crypto.ts'
import { durableObject } from '../../src/stores/durable-object.ts'

export { PosternState } from '../../src/stores/durable-object/object.ts'

const outside = {
  now: () => Date.now(),
  micros: () => performance.now() * 1000,
  random32: () => 7,
  sha256,
  resolvePath: (path: string) => path,
  lasting: false,
  binding: (name: string) => env[name],
  report: () => {},
}

/** Answers calls of the store that somebody outside names: the method, and its arguments as JSON. */
export default {
  async fetch(request: Request): Promise<Response> {
    const [method, given] = (await request.json()) as ['charge' | 'apply' | 'get' | 'changes', unknown[]]
    const store = await durableObject.create(durableObject.schema.parse({}), outside, 300)
    try {
      return Response.json(await (store[method] as (...given: unknown[]) => unknown)(...given))
    } catch (error) {
      return new Response(String(error), { status: 503 })
    }
  },
}

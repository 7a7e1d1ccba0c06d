import { DurableObject } from 'cloudflare:workers'

export { PosternState } from '../../src/stores/durable-object/object.ts'

/** Another class that the Worker binds beside ours. */
export class OtherState extends DurableObject {}

export default { fetch: () => new Response('there is nothing here') }

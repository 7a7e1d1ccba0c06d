/** What the runner of these suites offers inside of workerd, as far as it is used. */
declare module 'cloudflare:test' {
  import type {
    DurableObjectId,
    DurableObjectNamespace,
    DurableObjectState,
    DurableObjectStub,
  } from '@cloudflare/workers-types'

  /** Calls back inside of an object, with its instance. */
  export function runInDurableObject<T>(
    stub: DurableObjectStub,
    callback: (instance: object, state: DurableObjectState) => T | Promise<T>,
  ): Promise<T>
  /** Rings an alarm at once. @returns whether there was one */
  export function runDurableObjectAlarm(stub: DurableObjectStub): Promise<boolean>
  /** Takes an object from memory when its requests are answered. */
  export function evictDurableObject(stub: DurableObjectStub): Promise<void>
  export function listDurableObjectIds(namespace: DurableObjectNamespace): Promise<DurableObjectId[]>
  /** Ends all objects as they stand; what is stored stays. */
  export function abortAllDurableObjects(): Promise<void>
}

import type { Engine } from '../core/engine.ts'
import type { CredentialRequest } from '../core/model.ts'
import type { Soon } from '../core/soon.ts'
import type { KeyLookup, StoredKeys } from '../credentials/contract.ts'
import { causeOf } from '../http/record.ts'
import { policyOf } from '../policy/artefact.ts'
import { type Compiled, compile } from '../policy/compile.ts'
import { resolveSecrets } from '../policy/resolve.ts'
import type { Policy } from '../policy/schema.ts'
import type { WorkerOutside } from '../ports/worker-outside.ts'

/** A policy in force, or every reason why there is none. */
export type Installed =
  | { readonly ok: true; readonly policy: Policy; readonly engine: Engine; readonly keys: LateKeys }
  | Refused

/** The keys of a store that is there only once a request has come: nothing may be asked before. */
export class LateKeys implements StoredKeys {
  #keys: StoredKeys | null = null

  attach(keys: StoredKeys): void {
    this.#keys = keys
  }

  get imported(): boolean {
    return this.#keys?.imported ?? false
  }

  find(digest: string, request: CredentialRequest): Soon<KeyLookup> {
    return this.#keys?.find(digest, request) ?? { is: 'unavailable', cause: 'the store is not there yet' }
  }

  used(id: string, now: number): void {
    this.#keys?.used(id, now)
  }
}

/** Secrets and variables by name, as the Worker is deployed with them. */
export const boundTo =
  (env: Readonly<Record<string, unknown>>) =>
  (name: string): string | undefined => {
    const value = env[name]
    return typeof value === 'string' ? value : undefined
  }

/** Why a compiled policy is not used. */
export interface Refused {
  readonly ok: false
  readonly problems: readonly string[]
}

/**
 * What is made of a compiled policy. Nothing that `postern compile` writes makes that throw; a Worker that cannot start
 * would be answered for by the runtime.
 */
export function undamaged<Result>(make: () => Result): Result | Refused {
  try {
    return make()
  } catch (cause) {
    return {
      ok: false,
      problems: [`the compiled policy is damaged, run postern compile again: ${causeOf(cause)}`],
    }
  }
}

/**
 * Puts a compiled policy in force. Does no I/O and takes no random number, so that it can be done before any request.
 * @param artefact what `postern compile` has written
 */
export const install = (
  artefact: unknown,
  env: Readonly<Record<string, unknown>>,
  outside: WorkerOutside,
): Installed => undamaged(() => installed(artefact, env, outside))

function installed(
  artefact: unknown,
  env: Readonly<Record<string, unknown>>,
  outside: WorkerOutside,
): Installed {
  const reading = policyOf(artefact)
  if (!reading.ok) return { ok: false, problems: [reading.problem] }
  const problems = resolveSecrets(reading, boundTo(env))
  if (problems.length > 0) return { ok: false, problems }
  const keys = new LateKeys()
  const { engine }: Compiled = compile(reading.policy, { ...outside, keys, processes: 1 })
  return { ok: true, policy: reading.policy, engine, keys }
}

import type { Environment } from '../schema/environment.ts'
import type { Path } from '../schema/problem.ts'
import { eachBelow, Secret, type SecretSource, secretsIn } from '../schema/secret.ts'
import { policySchema } from './schema.ts'
import { schemasAt } from './shape.ts'

type Resolution = { readonly value: string } | { readonly fault: string }

const NO_FILES: Resolution = {
  fault: 'refers to a file, and a Worker has none: write "${NAME}", and give it the secret of that name',
}

/** The references of a policy, each followed once. */
export class References {
  readonly #environment: Environment | null
  readonly #resolutions = new Map<string, Resolution>()

  /** @param environment null: references are followed later, by the Worker that the policy is compiled for */
  constructor(environment: Environment | null) {
    this.#environment = environment
  }

  /** Reports every reference in `data` that leads nowhere, and every text that only looks like one. */
  inspect(data: unknown, report: (path: Path, message: string) => void): void {
    for (const { path, value } of candidatesIn(data)) {
      const secret = secretAt(path, value)
      if (secret !== null) {
        const resolution = this.#follow(secret.source)
        if (resolution !== null && 'fault' in resolution) report(path, resolution.fault)
      } else if (typeof value === 'string') {
        report(
          path,
          'holds a reference where none is read: only secrets and keys are given by reference, write the value',
        )
      }
    }
  }

  /** Gives every secret below `value` its value, where there is one. */
  resolve(value: unknown): void {
    for (const { secret } of secretsIn(value)) {
      const resolution = this.#follow(secret.source)
      if (resolution !== null && 'value' in resolution) secret.resolve(resolution.value)
    }
  }

  /** Null for what can only be known later. */
  #follow(source: SecretSource): Resolution | null {
    const environment = this.#environment
    if (environment === null) return 'env' in source ? null : NO_FILES
    const key = JSON.stringify(source)
    const known = this.#resolutions.get(key) ?? follow(source, environment)
    this.#resolutions.set(key, known)
    return known
  }
}

function follow(source: SecretSource, environment: Environment): Resolution {
  if ('env' in source) {
    const value = environment.variable(source.env)
    if (value === undefined)
      return { fault: `refers to ${source.env}, which is not in the environment: set it before the start` }
    return value === ''
      ? { fault: `refers to ${source.env}, which is empty: set it before the start` }
      : { value }
  }
  try {
    const value = environment.readFile(source.file).replace(/\r?\n$/, '')
    return value === ''
      ? { fault: `refers to the file ${source.file}, which is empty: write the secret into it` }
      : { value }
  } catch {
    return {
      fault: `refers to the file ${source.file}, which cannot be read: create it, and let this user read it`,
    }
  }
}

interface Candidate {
  readonly path: Path
  readonly value: unknown
}

/** Everything that could be a reference, were it in the right place. */
function candidatesIn(data: unknown): Candidate[] {
  const found: Candidate[] = []
  eachBelow(data, (value, path) => {
    if (typeof value === 'string' ? value.includes('${') : isFile(value))
      found.push({ path: [...path], value })
    return true
  })
  return found
}

function isFile(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, 'file')) return false
  return Object.keys(value).length === 1
}

/** The reference that the schema reads at `path`, also where what is around it has the wrong form. */
function secretAt(path: Path, value: unknown): Secret | null {
  for (const schema of schemasAt(policySchema, path)) {
    const reading = schema.safeParse(value)
    if (reading.success && reading.data instanceof Secret) return reading.data
  }
  return null
}

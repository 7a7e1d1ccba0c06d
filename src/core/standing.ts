import type { IdentityPlan } from './identity.ts'
import type { Principal } from './model.ts'
import type { Grant, RoleBook } from './roles.ts'

/** What a policy makes of a principal. */
export interface Standing {
  readonly grant: Grant
  /** Every identity header; null when they would be too large. */
  readonly identity: Readonly<Record<string, string>> | null
}

/** Works out what a principal may do and what upstreams are told, once: authenticators hand out the same object again. */
export class Standings {
  readonly #roles: RoleBook
  readonly #identity: IdentityPlan
  readonly #known = new WeakMap<Principal, Standing>()

  constructor(roles: RoleBook, identity: IdentityPlan) {
    this.#roles = roles
    this.#identity = identity
  }

  of(principal: Principal): Standing {
    let standing = this.#known.get(principal)
    if (standing === undefined) {
      const grant = this.#roles.grantOf(principal)
      standing = { grant, identity: this.#identity.headersOf(principal, grant) }
      this.#known.set(principal, standing)
    }
    return standing
  }
}

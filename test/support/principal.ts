import type { Principal } from '../../src/core/model.ts'

/** A principal with nothing but a name, and whatever a test says of it. */
export const principalOf = (part: Partial<Principal> = {}): Principal => ({
  id: 'ann',
  issuer: 'https://a.example',
  type: 'jwt',
  method: 'jwt:a',
  tenant: null,
  email: null,
  roles: [],
  permissions: [],
  scopes: [],
  strength: { methods: [], context: null, at: null },
  limits: [],
  credential: { id: null, session: null, issued: null },
  ...part,
})

import type { ProxyAdapter } from '../core/model.ts'

/**
 * The dialect of those who are told a decision without a proxy in between: every status and body reaches them, and
 * nobody has to describe a request in a header.
 */
export const direct = (name: string): ProxyAdapter => ({
  name,
  read: () => ({ ok: false, field: 'request', problem: 'missing' }),
  status: (wanted) => wanted,
  bodies: true,
})

import type { Item } from './item.ts'
import { keysOf } from './keys.ts'

export const ROLE_ITEMS: readonly Item[] = [
  {
    id: 'role-all',
    what: 'No role and no key has the permission `*`.',
    why: 'It grants what exists, and whatever anybody adds later.',
    how: 'Name the areas, as in `users:*` and `mcps:*`.',
    look(policy, tell) {
      const inspect = (path: readonly string[], permissions: readonly string[]) => {
        const index = permissions.indexOf('*')
        if (index >= 0)
          tell(
            [...path, 'permissions', index],
            'grants everything, and all that is yet to come: name the areas',
          )
      }
      for (const [name, { permissions }] of Object.entries(policy.roles))
        inspect(['roles', name], permissions)
      for (const [id, { permissions }] of keysOf(policy)) inspect(['apiKeys', 'keys', id], permissions)
    },
  },
]

import type { ApiKeysSection } from '../../credentials/api-key.ts'
import { Secret } from '../../schema/secret.ts'
import type { Policy } from '../schema.ts'
import type { Item } from './item.ts'

/** The keys of the policy file. A policy knows the sections of credential types only as wide as their schemas say. */
export const keysOf = (policy: Policy) =>
  Object.entries((policy as { readonly apiKeys?: ApiKeysSection }).apiKeys?.keys ?? {})

export const KEY_ITEMS: readonly Item[] = [
  {
    id: 'key-pepper',
    what: 'Digests of keys are made under a pepper.',
    why: 'A plain SHA-256 of a short or guessable key can be searched by whoever reads the file or the store. Those of imported keys cannot even be told from a guess before they are looked up.',
    how: 'Make a new key (`postern keys create`), hand it out, and remove the imported one.',
    look(policy, tell) {
      for (const [id, { digest }] of keysOf(policy)) {
        const text = digest instanceof Secret ? digest.value : digest
        if (text?.startsWith('sha256:') === true)
          tell(['apiKeys', 'keys', id, 'digest'], 'is a plain SHA-256: make a new key, under a pepper')
      }
    },
  },
  {
    id: 'key-expires',
    what: 'Keys expire.',
    why: 'A key that nobody remembers is good for ever, and for whoever finds it.',
    how: 'Write `expires`, and rotate with overlap before (docs/keys.md).',
    look(policy, tell) {
      for (const [id, { expires }] of keysOf(policy))
        if (expires === undefined) tell(['apiKeys', 'keys', id], 'never expires: write expires')
    },
  },
  {
    id: 'key-networks',
    what: 'Keys are bound to networks.',
    why: 'Nothing else binds a key to its holder: from anywhere else a stolen one is worth nothing.',
    how: 'Write `networks` with the addresses of the machines that use the key.',
    look(policy, tell) {
      for (const [id, { networks }] of keysOf(policy))
        if (networks === undefined)
          tell(['apiKeys', 'keys', id], 'can be used from everywhere: write networks')
    },
  },
]

import type { Item } from './item.ts'

export const RECORD_ITEMS: readonly Item[] = [
  {
    id: 'record-whole',
    what: 'Every decision is recorded.',
    why: 'What a stolen token or key was used for is then told by its records. Of a sample it is told in part, or not at all.',
    how: 'Leave `record.allowed` out, or at 1. Load that no disk takes is a reason to accept this: denials and degraded decisions are recorded in any case.',
    look({ record }, tell) {
      if (record !== undefined && record.allowed < 1)
        tell(['record', 'allowed'], 'leaves a part of what passes unrecorded: write 1, or leave it out')
    },
  },
]

import type { DraftRoute } from '../draft.ts'

/** Whether nobody but strangers can come in. */
export const onlyStrangers = ({ credentials }: DraftRoute): boolean =>
  credentials?.every((entry) => entry === 'anonymous') === true

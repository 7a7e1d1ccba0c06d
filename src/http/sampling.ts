import type { Decision } from '../core/model.ts'
import type { Policy } from '../policy/schema.ts'

/** The share of ordinary allows that are recorded. */
export const recordedShare = ({ record }: Pick<Policy, 'record'>): number => record?.allowed ?? 1

/**
 * Whether a decision gets a line: whatever was denied or had to do without something, and of the others a share.
 * @param random from 0 up to, but not including, 1
 */
export const isRecorded = (
  { verdict, degraded }: Pick<Decision, 'verdict' | 'degraded'>,
  share: number,
  random: () => number,
): boolean => verdict === 'deny' || degraded.length > 0 || share >= 1 || random() < share

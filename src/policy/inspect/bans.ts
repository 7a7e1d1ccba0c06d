import type { Draft } from '../draft.ts'
import type { Report } from '../inspect.ts'
import type { Names } from '../names.ts'

export function inspectBans({ bans }: Draft, _: Names, report: Report): void {
  if (bans !== undefined && bans.longest < bans.first)
    report(['bans', 'longest'], 'is shorter than bans.first: write a longer duration, or a shorter first one')
}

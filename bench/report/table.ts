import { type Figure, reached, type Target } from '../figure.ts'
import type { GroupFindings } from './findings.ts'

/** Three significant digits where they are needed, none after the point where they are not. */
export function amount(value: number): string {
  const size = Math.abs(value)
  if (size >= 1000) return Math.round(Number(value.toPrecision(3))).toLocaleString('en-GB')
  return value.toFixed(size >= 100 ? 0 : size >= 10 ? 1 : 2)
}

export const ratioText = (value: number): string => value.toFixed(Math.abs(value) >= 10 ? 1 : 2)

export function targetText(target: Target | null): string {
  if (target === null) return 'none'
  return 'atLeast' in target ? `at least ${target.atLeast}` : `at most ${target.atMost}`
}

const HEAD = '| what | against | target | ratio (quartiles) | ours / other |\n|---|---|---|---|---|'

/** A figure as a line of a Markdown table, after the head where it is the first. */
export function rowOf(figure: Figure, first: boolean): string {
  const { what, against, target, ratio, spread, ours, other, unit } = figure
  const missed = reached(figure) === false ? ', missed' : ''
  const [low, high] = spread.map(ratioText)
  const line = `| ${what} | ${against} | ${targetText(target)} | **${ratioText(ratio)}** (${low} to ${high})${missed} | ${amount(ours)} / ${amount(other)} ${unit} |`
  return first ? `${HEAD}\n${line}` : line
}

/** Figures as a Markdown table. */
export const table = (figures: readonly Figure[]): string =>
  figures.map((figure, index) => rowOf(figure, index === 0)).join('\n')

/** A group's section of the page: its figures, what a reader should know of them, and where they come from. */
export function section({ figures, notes, ...from }: GroupFindings): string {
  const rounds = [...new Set(figures.map((figure) => figure.rounds))].sort((a, b) => a - b)
  const place = from.pinned ? ', all processes on one' : ''
  const origin = [
    `Seen on ${from.date}, ${from.commit === null ? `version ${from.postern}` : `commit ${from.commit}`}`,
    `Node ${from.node}`,
    `${from.processors} × ${from.processor}${place}`,
    `${rounds.join(' or ')} rounds.`,
  ].join('; ')
  const parts = [
    ...(figures.length === 0 ? [] : [table(figures), origin]),
    ...(notes.length === 0 ? [] : [notes.map((note) => `- ${note}`).join('\n')]),
  ]
  return parts.join('\n\n')
}

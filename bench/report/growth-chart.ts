import type { Figure, Growth } from '../figure.ts'
import { COLOURS, drawing, element, label, logScale } from './svg.ts'
import { ratioText } from './table.ts'

const WIDTH = 960
const HEIGHT = 480
const PLOT = { left: 64, right: 700, top: 84, bottom: 424 }
/** The ratios that are drawn: beyond them a line ends at the edge. */
const LEAST = 1 / 2
const MOST = 64
/** Pixels between two names at the right. */
const LINE = 18

interface Point {
  readonly at: number
  readonly ratio: number
  readonly low: number
  readonly high: number
}

interface Series {
  readonly of: string
  /** From fewest to most; the first is what the others are held against. */
  readonly points: readonly Point[]
}

/** How the time of a decision grows with what the policy holds, both ways by factors. */
export function growthChart(figures: readonly Figure[]): string {
  const series = seriesOf(figures)
  const points = series.flatMap((each) => each.points)
  const most = Math.max(1000, ...points.map(({ at }) => at))
  const fewest = Math.min(10, ...points.map(({ at }) => at))
  const reach = 2 ** Math.max(1, Math.ceil(Math.log2(Math.max(...points.map(({ high }) => high), 1))))
  const x = logScale(fewest, most, PLOT.left, PLOT.right)
  const y = logScale(LEAST, reach, PLOT.bottom, PLOT.top)
  const title = 'Time of a decision as the policy grows'
  return drawing(WIDTH, HEIGHT, title, [
    label({ x: 24, y: 34, class: 'title' }, title),
    label(
      { x: 24, y: 56, class: 'small faint' },
      'As a multiple of the time with the fewest. Bars are quartiles; the dashed line is the bound of 1.2.',
    ),
    ...grid(fewest, most, reach, x, y),
    ...series.map((each, index) => drawn(each, index % COLOURS, x, y)),
    ...names(series, y),
  ])
}

function seriesOf(figures: readonly Figure[]): Series[] {
  const byName = new Map<string, Point[]>()
  for (const { growth, ratio, spread } of figures) {
    if (growth === undefined) continue
    const points = byName.get(growth.of) ?? [startOf(growth)]
    points.push({ at: growth.to, ratio: shown(ratio), low: shown(spread[0]), high: shown(spread[1]) })
    byName.set(growth.of, points)
  }
  return [...byName].map(([of, points]) => ({ of, points: points.sort((a, b) => a.at - b.at) }))
}

/** Within what a scale of factors can show. */
const shown = (ratio: number): number => (ratio > LEAST ? Math.min(MOST, ratio) : LEAST)

const startOf = ({ from }: Growth): Point => ({ at: from, ratio: 1, low: 1, high: 1 })

function grid(
  fewest: number,
  most: number,
  reach: number,
  x: (value: number) => number,
  y: (value: number) => number,
): string[] {
  const across = { x1: PLOT.left, x2: PLOT.right }
  const lines: string[] = []
  for (let value = 10 ** Math.ceil(Math.log10(fewest)); value <= most; value *= 10) {
    lines.push(element('line', { x1: x(value), x2: x(value), y1: PLOT.top, y2: PLOT.bottom, class: 'grid' }))
    const text = value.toLocaleString('en-GB')
    lines.push(label({ x: x(value), y: PLOT.bottom + 22, class: 'small faint middle' }, text))
  }
  for (let value = LEAST; value <= reach; value *= 2) {
    lines.push(
      element('line', { ...across, y1: y(value), y2: y(value), class: value === 1 ? 'mark' : 'grid' }),
    )
    lines.push(label({ x: PLOT.left - 10, y: y(value) + 4, class: 'small faint end' }, `${value}×`))
  }
  lines.push(element('line', { ...across, y1: y(1.2), y2: y(1.2), class: 'mark dashed' }))
  return lines
}

function drawn(
  { points }: Series,
  colour: number,
  x: (value: number) => number,
  y: (value: number) => number,
) {
  const path = points.map(({ at, ratio }) => `${x(at).toFixed(1)},${y(ratio).toFixed(1)}`).join(' ')
  return [
    element('polyline', { points: path, class: `l${colour} line`, style: 'fill:none' }),
    ...points.map(({ at, ratio, low, high }) => {
      const bar = { x1: x(at), x2: x(at), y1: y(low), y2: y(high), class: `l${colour} bar` }
      return `${element('line', bar)}${element('circle', { cx: x(at), cy: y(ratio), r: 4, class: `l${colour}` })}`
    }),
  ].join('\n')
}

/** Each line's name at its end, moved down where two would lie on each other. */
function names(series: readonly Series[], y: (value: number) => number): string[] {
  const ends = series
    .map(({ of, points }, index) => ({ of, index, last: points.at(-1) as Point }))
    .sort((a, b) => b.last.ratio - a.last.ratio)
  let free = PLOT.top
  return ends.map(({ of, index, last }) => {
    const at = Math.max(free, y(last.ratio))
    free = at + LINE
    const text = `${of}, ${last.at.toLocaleString('en-GB')}: ${ratioText(last.ratio)}`
    const sign = element('circle', { cx: PLOT.right + 20, cy: at, r: 4, class: `l${index % COLOURS}` })
    return `${sign}${label({ x: PLOT.right + 32, y: at + 4, class: 'small' }, text)}`
  })
}

import { type Figure, reached, type Target } from '../figure.ts'
import { drawing, element, label, logScale } from './svg.ts'
import { ratioText, targetText } from './table.ts'

const WIDTH = 1040
const PLOT = { left: 490, right: 890 }
const ROW = 38
const TOP = 92

interface Row {
  readonly figure: Figure
  readonly target: Target
  /** The ratio and its quartiles in units of the target, more being better whichever way the target goes. */
  readonly score: number
  readonly low: number
  readonly high: number
}

/** Every figure that has a target, as how far it is from that, with the quartiles of its rounds. */
export function ratioChart(figures: readonly Figure[]): string {
  const rows = figures.flatMap(rowOf)
  const bound = Math.max(2, ...rows.flatMap(({ low, high }) => [1 / low, high]).filter(Number.isFinite))
  const reach = 2 ** Math.min(3, Math.ceil(Math.log2(bound)))
  const x = logScale(1 / reach, reach, PLOT.left, PLOT.right)
  const content: string[] = []
  let y = TOP
  let group = ''
  for (const row of rows) {
    if (row.figure.group !== group) {
      group = row.figure.group
      content.push(label({ x: 24, y: y + 20, class: 'group' }, group))
      y += 32
    }
    content.push(...drawn(row, y, x, reach))
    y += ROW
  }
  const title = 'Each figure against its target'
  const head = [
    label({ x: 24, y: 34, class: 'title' }, title),
    label(
      { x: 24, y: 56, class: 'small faint' },
      'Median and quartiles of the rounds, as multiples of the target, better to the right: a circle is reached, a square missed.',
    ),
    ...axis(reach, x, y),
  ]
  return drawing(WIDTH, y + 24, title, [...head, ...content])
}

function rowOf(figure: Figure): Row[] {
  const { target, ratio, spread } = figure
  if (target === null) return []
  const score = (value: number): number =>
    'atLeast' in target ? value / target.atLeast : target.atMost / value
  const [low, high] = spread.map(score).sort((a, b) => a - b) as [number, number]
  return [{ figure, target, score: score(ratio), low, high }]
}

function axis(reach: number, x: (value: number) => number, bottom: number): string[] {
  const ticks: string[] = []
  for (let value = 1 / reach; value <= reach; value *= 2) {
    const at = { x1: x(value), x2: x(value), y1: TOP, y2: bottom }
    ticks.push(element('line', { ...at, class: value === 1 ? 'mark' : 'grid' }))
    const text = value === 1 ? 'target' : value > 1 ? `${value}×` : `1/${1 / value}`
    ticks.push(label({ x: x(value), y: TOP - 10, class: 'small faint middle' }, text))
  }
  return ticks
}

function drawn(
  { figure, target, score, low, high }: Row,
  top: number,
  x: (value: number) => number,
  reach: number,
) {
  const met = reached(figure) === true
  const kind = met ? 'good' : 'bad'
  // What is no number, or less than nothing, is as far off as can be shown.
  const inside = (value: number): number => x(value > 1 / reach ? Math.min(reach, value) : 1 / reach)
  const middle = top + ROW / 2
  const spread = { x1: inside(low), x2: inside(high), y1: middle, y2: middle }
  const [at, size] = [inside(score), 5]
  // A reached target is a full circle, a missed one a hollow square: the colour alone would not tell everybody.
  const sign = met
    ? element('circle', { cx: at, cy: middle, r: size, class: kind })
    : element('rect', {
        ...{ x: at - size, y: middle - size, width: 2 * size, height: 2 * size },
        class: `${kind} hollow`,
        'stroke-width': 2,
      })
  return [
    label({ x: 24, y: middle - 3 }, figure.what),
    label({ x: 24, y: middle + 13, class: 'small faint' }, `against ${figure.against}`),
    element('line', { ...spread, class: `${kind} bar` }),
    sign,
    label({ x: WIDTH - 24, y: middle - 3, class: 'end' }, ratioText(figure.ratio)),
    label(
      { x: WIDTH - 24, y: middle + 13, class: 'small faint end' },
      `${targetText(target)}${met ? '' : ', missed'}`,
    ),
  ]
}

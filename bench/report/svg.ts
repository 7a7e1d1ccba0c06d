/** The little of SVG that charts need: text and shapes as strings, colours for a light and for a dark page. */

export type Attributes = Readonly<Record<string, string | number>>

/** An element; `content` is markup, never text as it came. */
export function element(name: string, attributes: Attributes, content = ''): string {
  const written = Object.entries(attributes).map(([key, value]) => ` ${key}="${escaped(value)}"`)
  return `<${name}${written.join('')}>${content}</${name}>`
}

/** Text whose code spans, `as in Markdown`, lose their marks. */
export const label = (attributes: Attributes, text: string): string =>
  element('text', attributes, escaped(text.replaceAll('`', '')))

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }

const escaped = (value: string | number): string =>
  typeof value === 'number'
    ? String(Math.round(value * 10) / 10)
    : value.replace(/[&<>"]/g, (sign) => ENTITIES[sign] ?? sign)

/** Eight colours that stay apart, also for those who see fewer; of a light and of a dark page. */
const LINES: readonly (readonly [string, string])[] = [
  ['#0969da', '#58a6ff'],
  ['#bc4c00', '#f0883e'],
  ['#1a7f37', '#3fb950'],
  ['#8250df', '#bc8cff'],
  ['#bf3989', '#f778ba'],
  ['#0a7b83', '#39c5cf'],
  ['#9a6700', '#d29922'],
  ['#57606a', '#b1bac4'],
]

/** How many lines can be told apart by colour. */
export const COLOURS = LINES.length

const style = (dark: 0 | 1): string => {
  const [paper, ink, faint, grid, good, bad] = (
    [
      ['#ffffff', '#1f2328', '#59636e', '#d8dee4', '#1a7f37', '#cf222e'],
      ['#0d1117', '#f0f6fc', '#9198a1', '#30363d', '#3fb950', '#f85149'],
    ] as const
  )[dark]
  return [
    `.paper{fill:${paper}}`,
    `text{fill:${ink}}`,
    `.faint{fill:${faint}}`,
    `.grid{stroke:${grid}}`,
    `.mark{stroke:${ink}}`,
    `.good{fill:${good};stroke:${good}}`,
    `.bad{fill:${bad};stroke:${bad}}`,
    `.hollow{fill:${paper}}`,
    ...LINES.map((pair, at) => `.l${at}{stroke:${pair[dark]};fill:${pair[dark]}}`),
  ].join('')
}

const FIXED =
  'text{font-family:system-ui,-apple-system,"Segoe UI",Helvetica,Arial,sans-serif;font-size:13px}' +
  '.small{font-size:11.5px}.title{font-size:16px;font-weight:600}.group{font-size:13px;font-weight:600}' +
  '.end{text-anchor:end}.middle{text-anchor:middle}.grid{stroke-width:1}.dashed{stroke-dasharray:4 4}' +
  '.line{fill:none;stroke-width:2}.bar{stroke-width:3;stroke-linecap:round}text{stroke:none}'

/** A whole drawing. */
export function drawing(width: number, height: number, title: string, content: readonly string[]): string {
  const css = `${FIXED}${style(0)}@media (prefers-color-scheme:dark){${style(1)}}`
  const size = { width, height, viewBox: `0 0 ${width} ${height}` }
  const parts = [
    element('title', {}, escaped(title)),
    `<style>${css.replaceAll('&', '&amp;').replaceAll('<', '&lt;')}</style>`,
    element('rect', { class: 'paper', width, height }),
    ...content,
  ]
  const attributes = { xmlns: 'http://www.w3.org/2000/svg', ...size, role: 'img', 'aria-label': title }
  return `${element('svg', attributes, `\n${parts.join('\n')}\n`)}\n`
}

/** Maps values to places so that equal factors are equally far apart. */
export const logScale =
  (low: number, high: number, from: number, to: number) =>
  (value: number): number =>
    from + ((Math.log(value) - Math.log(low)) / (Math.log(high) - Math.log(low))) * (to - from)

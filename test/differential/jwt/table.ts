import type { Forgery } from './forgery.ts'

/** How many tokens of a class there were, and how many each of the three took. */
export interface Tally {
  tokens: number
  postern: number
  second: number
  reference: number
}

export const PAGE = 'docs/security/differential.md'
const BEGIN = '<!-- Made by test/differential/jwt.test.ts: change the classes there. -->\n'
const END = '<!-- end of what is made -->\n'

/** The page with its table of classes as they were found. @param page the whole text of the page */
export function withClasses(page: string, tallies: ReadonlyMap<Forgery, Tally>): string {
  const [before, rest] = page.split(BEGIN)
  const after = rest?.split(END)[1]
  if (before === undefined || after === undefined) throw new Error(`${PAGE} has lost its marks`)
  return `${before}${BEGIN}\n${table(tallies)}\n${END}${after}`
}

function table(tallies: ReadonlyMap<Forgery, Tally>): string {
  const rows = [...tallies].map(([{ name, source, stricter }, { tokens, postern, second, reference }]) =>
    [
      name,
      source,
      String(tokens),
      share(postern, tokens),
      share(second, tokens),
      share(reference, tokens),
      stricter ?? '',
    ].map((cell) => cell.replaceAll('|', '\\|')),
  )
  const all = [...tallies.values()].reduce((sum, { tokens }) => sum + tokens, 0)
  const head = [
    'class',
    'from',
    'tokens',
    'Postern takes',
    'fast-jwt takes',
    'the RFCs take',
    'why Postern is stricter',
  ]
  const lines = [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`)
  return `${lines.join('\n')}\n\n${all.toLocaleString('en')} tokens in ${tallies.size} classes.\n`
}

/** Keys and signatures differ from run to run, so a share is told no closer than this. */
const share = (some: number, all: number): string => (some === 0 ? 'none' : some === all ? 'all' : 'some')

import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { describe, expect, it } from 'vitest'

const ROOT = join(import.meta.dirname, '..')
const read = (file: string): string => readFileSync(join(ROOT, file), 'utf8')

const MODEL = 'docs/security/model.md'
const PAGES = ['SECURITY.md', MODEL, 'docs/security/hardening.md']

/** Links of a page with the place in the repository that each leads to; those to other sites are left out. */
function linksOf(page: string): { to: string; file: string; anchor: string | null }[] {
  return [...read(page).matchAll(/\]\(([^)\s]+)\)/g)].flatMap(([, to = '']) => {
    if (/^[a-z]+:/.test(to)) return []
    const [path = '', anchor = null] = to.split('#')
    return [{ to, file: path === '' ? page : normalize(join(dirname(page), path)), anchor }]
  })
}

/** What a fragment may name in a page: anchors that are written out, and headings as forges make them. */
function anchorsOf(page: string): ReadonlySet<string> {
  const text = read(page)
  const written = [...text.matchAll(/<a id="([^"]+)">/g)].map(([, id]) => id ?? '')
  const headings = [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .replace(/<[^>]+>/g, '')
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .trim()
      .replaceAll(' ', '-'),
  )
  return new Set([...written, ...headings])
}

/** Every test that the model names, as `[file](link): title`. */
const EVIDENCE = [...read(MODEL).matchAll(/^- \[(test\/[^\]]+)\]\([^)]+\): (.+)$/gm)].map(
  ([, file = '', title = '']) => ({ file, title }),
)

/** The threats of the model: everything between one heading of the fourth level and the next. */
const THREATS = read(MODEL)
  .split('\n## ')
  .filter((part) => part.startsWith('Threats'))
  .flatMap((part) => part.split('\n#### ').slice(1))
  .map((text) => ({ name: text.split('\n')[0]?.replace(/<[^>]+>/g, '') ?? '', text }))

/** Whether a source has a test of that title, written as a string of its own. */
function isTitleIn(source: string, title: string): boolean {
  const spellings = [title, title.replaceAll("'", "\\'")]
  return spellings.some((text) => ["'", '"', '`'].some((quote) => source.includes(quote + text + quote)))
}

describe('the security model', () => {
  it.each(EVIDENCE)('names a test that exists: $file: $title', ({ file, title }) => {
    expect(existsSync(join(ROOT, file)), 'the file exists').toBe(true)
    expect(isTitleIn(read(file), title), 'the title stands in it').toBe(true)
  })

  it.each(THREATS)(
    'says of each threat what stops it, which test shows it and what is left: $name',
    ({ text }) => {
      expect(text).toContain('\n**Stopped by** ')
      expect(text).toMatch(/^- \[test\//m)
      expect(text).toContain('\n**Left:** ')
    },
  )

  it('knows a threat when it sees one', () => {
    expect(THREATS.length).toBeGreaterThan(40)
    expect(EVIDENCE.length).toBeGreaterThan(150)
  })

  it('says what to do about everything that is not protected', () => {
    const part =
      read(MODEL)
        .split('\n## ')
        .find((text) => text.startsWith('What is not protected')) ?? ''
    const entries = part.split('\n#### ').slice(1)
    expect(entries.length).toBeGreaterThan(8)
    for (const text of entries) expect(text).toContain('**Do:** ')
  })

  it('places every attack of the catalogue, and names no other', () => {
    const catalogue = [...read('docs/security/attacks.md').matchAll(/^\| ([A-Z]\d\d) \|/gm)].map(
      ([, id]) => id,
    )
    const named = [...read(MODEL).matchAll(/Attacks: ([^.]+)\./g)].flatMap(([, ids = '']) => ids.split(', '))
    expect(catalogue.length).toBeGreaterThan(40)
    expect([...new Set(named)].sort()).toEqual([...new Set(catalogue)].sort())
  })

  it('has a picture in which every crossing of its table has its number', () => {
    const numbers = (text: string, pattern: RegExp) =>
      [...text.matchAll(pattern)].map(([, number]) => number).sort()
    const told = numbers(read(MODEL), /^\| \*\*(\d)\*\* /gm)
    expect(told.length).toBe(9)
    expect(numbers(read('docs/security/boundaries.svg'), /class="no"[^>]*>(\d)</g)).toEqual(told)
  })
})

describe.each(PAGES)('%s', (page) => {
  it.each(linksOf(page))('leads somewhere: $to', ({ file, anchor }) => {
    expect(existsSync(join(ROOT, file)), file).toBe(true)
    if (anchor !== null) expect([...anchorsOf(file)]).toContain(anchor)
  })
})

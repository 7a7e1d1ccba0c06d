/** All readings of a path, against the plainest way to find them; and how much work the worst path may be. */

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { RouteTable } from '../../src/core/match.ts'
import { fold, parameterValue, readPath } from '../../src/core/path.ts'
import { isFolded } from '../../src/core/path-steps.ts'

const CONTROL = /[\0-\x1f\x7f]/

/** One run of escapes after the other, as a server does it that has never heard of speed. */
function decodedOnce(text: string): string | null {
  if (/%u[0-9a-fA-F]{4}/.test(text)) return null
  try {
    return text.replace(/(?:%[0-9a-fA-F]{2})+/g, (run) => {
      const decoded = decodeURIComponent(run)
      if (CONTROL.test(decoded)) throw new URIError('control')
      return decoded.replaceAll('/', '\u0001')
    })
  } catch {
    return null
  }
}

const STEPS: readonly ((text: string) => string | null)[] = [
  decodedOnce,
  (text) => text.replaceAll('\u0001', '/'),
  (text) => text.replaceAll('\\', '/'),
  (text) =>
    text
      .split('/')
      .map((segment) => segment.split(';')[0])
      .join('/'),
  (text) => text.split(/[?#]/)[0] ?? '',
  (text) => text.replace(/\/+/g, '/'),
  (text) =>
    text
      .split('/')
      .map((segment) => segment.replace(/[. ]+$/, ''))
      .join('/'),
]

/** The readings as `text` or, folded, as `~text`; null when the path is nonsense, 'many' when there is no end of them. */
function naiveReadings(path: string): ReadonlySet<string> | null | 'many' {
  if (/%(?![0-9a-fA-F]{2})/.test(path) || decodedOnce(path) === null) return null
  const raw = path.replace(
    /(?:%(?:20|22|3[cCeE]|5[eE]|60|7[bBcCdD]|[89a-fA-F][0-9a-fA-F]))+/g,
    decodeURIComponent,
  )
  const all = new Set([raw])
  for (const reading of all) {
    const folded = reading.startsWith('~')
    const text = folded ? reading.slice(1) : reading
    if (text.split('/').some((segment) => /^\.{1,2}( [. ]*)?$/.test(segment))) return null
    for (const step of STEPS) {
      const next = step(text)
      if (next === null) return null
      all.add(folded ? `~${next}` : next)
    }
    // Of a segment of dots of all kinds a party may drop some first, and make something of the others later.
    const hidden = (segment: string) =>
      /^(?!…+$)\p{Zs}*[.․‥…︙︰﹒．\p{DI}][.․‥…︙︰﹒．\p{Zs}\p{DI}]*$/u.test(segment) &&
      /[^\0-\x7f]/.test(segment)
    const segments = text
      .split(/[/\\\u0001／＼﹨]/)
      .map((one) => one.split(/[;?#;︔﹔；⁇⁈︖﹖？﹟＃]/)[0] ?? '')
    if (segments.some(hidden)) return null
    if (fold(text) !== text) all.add(`~${fold(text)}`)
    if (all.size > 200) return 'many'
  }
  return all
}

const PIECES = [
  ...['/', '//', '.', '..', ' ', ';', ';a=b', 'a', 'A', 'admin', '-', '~', ':', '*'],
  ...['%2e', '%2E', '%252e', '%2f', '%2F', '%252f', '%25252F', '%5c', '%255c', '%3b', '%253b', '%3f', '%23'],
  ...[
    '%20',
    '%2520',
    '%25',
    '%2525',
    '%61',
    '%2561',
    '%41',
    '%01',
    '%2501',
    '%00',
    '%7f',
    '%u002f',
    '%25u002f',
  ],
  ...[
    '%C3%A9',
    '%C3%89',
    '%C0%AF',
    '%25c0%25ae',
    '%C2%AD',
    '%EF%BD%81',
    '%EF%BC%8F',
    '%EF%BC%9B',
    '%EF%BC%8E',
  ],
  ...[
    '%EF%BC%85',
    '%EF%B7%BA',
    '%C4%B0',
    '%C7%84',
    '%CC%81',
    '%E4%B8%AD',
    '%F0%9F%92%A9',
    '%ff',
    '%zz',
    '%2',
  ],
]

describe('the readings of a path', () => {
  it('are those that trying every step on every text finds', () => {
    const seen = { ok: 0, malformed: 0, ambiguous: 0 }
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...PIECES), { maxLength: 8 }), (pieces) => {
        const path = `/${pieces.join('')}`
        if (/^\/\/|[ \\#]/.test(path)) return
        const naive = naiveReadings(path)
        const judged = readPath(path)
        if (judged.ok) {
          seen.ok++
          expect(new Set(judged.readings.map(({ text, folded }) => (folded ? `~${text}` : text)))).toEqual(
            naive,
          )
        } else if (judged.reason === 'path_malformed') {
          seen.malformed++
          expect([null, 'many']).toContain(naive)
        } else {
          seen.ambiguous++
          const size = naive instanceof Set ? naive.size : 200
          // Each of them takes some steps, and those are counted.
          expect(size, judged.why).toBeGreaterThan(12)
        }
      }),
      { numRuns: 6_000 },
    )
    for (const count of Object.values(seen)) expect(count).toBeGreaterThan(50)
  })

  it('know which of them have a folded one beside them', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...PIECES), { maxLength: 6 }), (pieces) => {
        const judged = readPath(`/${pieces.join('')}`)
        if (!judged.ok) return
        const folded = new Set(judged.readings.filter((one) => one.folded).map(({ text }) => text))
        for (const reading of judged.readings) {
          if (reading.folded) continue
          expect(reading.foldable).toBe(fold(reading.text) !== reading.text)
          if (reading.foldable) expect(folded).toContain(fold(reading.text))
        }
      }),
      { numRuns: 2_000 },
    )
  })

  it('take no text for folded that folding changes', () => {
    for (let point = 0; point < 0x3_0000; point++) {
      const char = String.fromCodePoint(point)
      if (isFolded(char)) expect(fold(char), point.toString(16)).toBe(char)
    }
    const letters = fc.constantFrom(...'aàéÿаяё中国ぁがんァヴ가각힣 -'.split(''))
    fc.assert(
      fc.property(fc.array(letters), (all) => {
        const text = all.join('')
        if (isFolded(text)) expect(fold(text)).toBe(text)
      }),
    )
    expect(isFolded('/中国/café')).toBe(true)
    expect(isFolded('/ＡＢ')).toBe(false)
  })

  it.each([
    ['a name of 400 Chinese characters', `/files/${'%E4%B8%AD'.repeat(400)}/x`],
    [
      'a URL within the path',
      `/image/${encodeURIComponent(`https://cdn.example.com/a/${'b/'.repeat(30)}c.png?x=1&y=2`)}/s`,
    ],
    ['2,000 characters of Base64 with capitals', `/${'aGVsbG8gd29ybGQ'.repeat(133)}`],
    ['8,000 of them', `/${'aGVsbG8gd29ybGQ'.repeat(533)}`],
    ['300 spaces', `/docs/${'a%20b'.repeat(300)}`],
    ['parameters in every segment', '/map;zoom=3/layer;id=7;v=2/tile;x=1;y=2'],
    ['500 characters with an escaped slash', `/pkg/%40scope%2Fname/${'file-name.'.repeat(48)}js`],
  ])('are found for %s', (_, path) => expect(readPath(path)).toMatchObject({ ok: true }))
})

describe('the work that a path makes', () => {
  /** Characters that are handed to methods that go through all of them. */
  function workOf(run: () => void): number {
    let work = 0
    const text = String.prototype as unknown as Record<string, (...args: unknown[]) => unknown>
    const names = ['replace', 'replaceAll', 'normalize', 'toLowerCase', 'toUpperCase', 'search', 'split']
    const before = names.map((name) => text[name] as (...args: unknown[]) => unknown)
    const decode = globalThis.decodeURIComponent
    for (const [index, name] of names.entries()) {
      text[name] = function (this: string, ...args: unknown[]) {
        work += String(this).length
        return before[index]?.apply(this, args)
      }
    }
    globalThis.decodeURIComponent = (encoded) => {
      work += encoded.length
      return decode(encoded)
    }
    try {
      run()
    } finally {
      for (const [index, name] of names.entries()) text[name] = before[index] as never
      globalThis.decodeURIComponent = decode
    }
    return work
  }

  const routes = new RouteTable(
    [
      { name: 'own', path: '/a/:x/:y/**', parameters: ['x', 'y'] },
      { name: 'cased', path: '/Files/**', parameters: [] },
      { name: 'rest', path: '/**', parameters: [] },
    ].map(({ name, path, parameters }) => ({
      route: { name, parameters },
      match: { host: null, path, methods: null },
    })),
  )
  const judge = (path: string): void => {
    const judged = readPath(path)
    if (judged.ok) routes.select('app.example', 'GET', judged.readings)
  }

  it('is bounded for the longest paths of whatever is odd, over and over', () => {
    const unit = fc.array(fc.constantFrom(...PIECES, '25', 'a%20', '..a'), { minLength: 1, maxLength: 4 })
    const length = fc.constantFrom(200, 300, 600, 1000, 2000, 2048, 4096, 8192)
    let most = 0
    fc.assert(
      fc.property(unit, length, unit, (pieces, size, end) => {
        const one = pieces.join('')
        const path = `/a/${one.repeat(Math.ceil(size / one.length))}`.slice(0, size) + end.join('')
        const work = workOf(() => judge(path))
        most = Math.max(most, work)
        expect(work, path.slice(0, 80)).toBeLessThan(64 * 1024)
      }),
      { numRuns: 4_000 },
    )
    expect(most).toBeGreaterThan(8192)
  })

  it('is linear in a run of dots that is no tail', () => {
    const path = `/${'.'.repeat(2_000)}a/b.`
    const began = performance.now()
    for (let i = 0; i < 200; i++) judge(path)
    // In the square of the length this takes a second; 10 ms are usual.
    expect(performance.now() - began).toBeLessThan(400)
  })

  it('does not decode a parameter anew for each reading', () => {
    const tower = `/a/%${'25'.repeat(20)}41/b/c`
    expect(readPath(tower)).toMatchObject({ ok: true })
    expect(workOf(() => judge(tower))).toBeLessThan(16 * 1024)
    expect(parameterValue(`%${'25'.repeat(20)}41`)).toBe('A')
  })
})

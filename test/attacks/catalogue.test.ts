/** That the catalogue is whole, and that what it says was shown is shown somewhere. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { attemptsIn, WAYS } from './attack.ts'
import { ATTACKS, ELSEWHERE } from './catalogue.ts'

const TESTS = join(import.meta.dirname, '..')
const textOf = (file: string): string =>
  existsSync(join(TESTS, file)) ? readFileSync(join(TESTS, file), 'utf8') : ''

/** Attacks that must be there, whatever else is. */
const ROWS = [
  ...['J01', 'J02', 'J03', 'J05', 'J06', 'J09', 'J11', 'J13', 'J15', 'J18', 'J20', 'J22', 'J25'],
  ...['K01', 'K02', 'K04', 'K05', 'K07', 'P01', 'P02', 'P05', 'P07', 'P08', 'P10'],
  ...['H01', 'H02', 'H04', 'H05', 'H08', 'H10', 'I01', 'I02', 'I05', 'R01', 'R03', 'R05', 'R07'],
  ...['C01', 'W01', 'X01', 'X03', 'X04', 'X06', 'X07'],
  ...Array.from({ length: 13 }, (_, at) => `3.${at + 1}`),
  ...['3.1 answers', '3.2 libraries'],
]

/** Advisories of services of this kind, of proxies and of the libraries underneath. */
const ADVISORIES = [
  ...['CVE-2021-29492', 'CVE-2021-32637', 'CVE-2022-21449', 'CVE-2022-23539', 'CVE-2022-23540'],
  ...['CVE-2022-23541', 'CVE-2022-36083', 'CVE-2023-48223', 'CVE-2024-28176', 'CVE-2024-45410'],
  ...['CVE-2024-47070', 'CVE-2025-24514', 'CVE-2025-48865', 'CVE-2025-59139', 'CVE-2025-62610'],
  ...['CVE-2025-64484', 'CVE-2025-65945', 'CVE-2025-66490', 'CVE-2026-1580', 'CVE-2026-20896'],
  ...['CVE-2026-22817', 'CVE-2026-22818', 'CVE-2026-24512', 'CVE-2026-24513', 'CVE-2026-25748'],
  ...['CVE-2026-26205', 'CVE-2026-26308', 'CVE-2026-26998', 'CVE-2026-27586', 'CVE-2026-27587'],
  ...['CVE-2026-27588', 'CVE-2026-27700', 'CVE-2026-30827', 'CVE-2026-30851', 'CVE-2026-32811'],
  ...['CVE-2026-33186', 'CVE-2026-33494', 'CVE-2026-34457', 'CVE-2026-34908', 'CVE-2026-34950'],
  ...['CVE-2026-35039', 'CVE-2026-35042', 'CVE-2026-35051', 'CVE-2026-39409', 'CVE-2026-39858'],
  ...['CVE-2026-40575', 'CVE-2026-40912', 'CVE-2026-41059', 'CVE-2026-42272', 'CVE-2026-42273'],
  ...['CVE-2026-42274', 'CVE-2026-43634', 'CVE-2026-44456', 'CVE-2026-44457', 'CVE-2026-44459'],
  ...['CVE-2026-47673', 'CVE-2026-47674', 'CVE-2026-47676', 'CVE-2026-48020', 'CVE-2026-48794'],
  ...['CVE-2026-52845', 'CVE-2026-53622', 'CVE-2026-54763', 'CVE-2026-54764', 'CVE-2026-63177'],
  ...['CVE-2026-65600', 'CVE-2026-77560', 'CVE-2026-88011', 'GHSA-49wc-4hcv-v58q', 'GHSA-4mq7-pvjg-xp2r'],
  ...[
    'GHSA-5hvv-m4w4-gf6v',
    'GHSA-7r4p-vjf4-gxv4',
    'GHSA-7rh7-c77v-6434',
    'GHSA-7x63-xv5r-3p2x',
    'GHSA-869p-cjfg-cm3x',
  ],
  ...[
    'GHSA-c5c4-8r6x-56w3',
    'GHSA-f24x-5g9q-753f',
    'GHSA-f67f-6cw9-8mq4',
    'GHSA-fj56-5763-j8pp',
    'GHSA-hm8q-7f3q-5f36',
  ],
  ...[
    'GHSA-j8px-rmrx-76h9',
    'GHSA-jc38-x7x8-2xc8',
    'GHSA-qvp4-rpmr-xwrr',
    'GHSA-vhr5-ggp3-qq85',
    'GHSA-w6j9-vw59-27wv',
  ],
  ...['GHSA-xpcf-pg52-r92g'],
]

it('has every row and every rule once, each with a reference, an outcome and something that shows it', () => {
  const ids = ATTACKS.map(({ id }) => id)
  expect(ROWS.filter((id) => !ids.includes(id))).toEqual([])
  expect(ids.filter((id, at) => ids.indexOf(id) !== at)).toEqual([])
  for (const attack of ATTACKS) {
    const { id, references, outcome, shown = [] } = attack
    expect(references.length, id).toBeGreaterThan(0)
    for (const reference of references)
      expect(reference, id).toMatch(
        /^(?:CVE-\d{4}-\d{4,5}|GHSA(?:-[a-z0-9]{4}){3}|CWE-\d+|RFC \d{4}.*|WHATWG .*)$/,
      )
    expect(outcome.length, id).toBeGreaterThan(2)
    expect(
      shown.length + WAYS.filter((way) => attemptsIn(attack, way).length > 0).length,
      id,
    ).toBeGreaterThan(0)
  }
})

it('names tests that exist, in files that exist; those of its own bear the name of the attack', () => {
  for (const { id, shown = [] } of ATTACKS)
    for (const { file, title, ways } of shown) {
      const text = textOf(file)
      expect(text, `${id}: test/${file}`).not.toBe('')
      expect(ways.length, id).toBeGreaterThan(0)
      const names = [`'${title}'`, `\`${title}\``, `"${title}"`]
      expect(
        names.some((name) => text.includes(name)),
        `${id}: test/${file} has no test “${title}”`,
      ).toBe(true)
      if (!file.startsWith('attacks/')) continue
      // Two attacks may be shown by one test, which then bears the name of one of them.
      const sharing = ATTACKS.filter((one) =>
        one.shown?.some((each) => each.file === file && each.title === title),
      )
      const calls = text.replace(/\s+/g, ' ').matchAll(/(?:named|attack)\( ?'([^']+)'/g)
      const called = new Set([...calls].map(([, name]) => name))
      expect(
        sharing.some((one) => called.has(one.id)),
        `${id} in test/${file}`,
      ).toBe(true)
    }
})

it('leaves out no test of its own that bears the name of an attack', () => {
  const files = new Set(ATTACKS.flatMap(({ shown = [] }) => shown.map(({ file }) => file)))
  for (const file of [...files].filter((each) => each.startsWith('attacks/')))
    for (const [, id] of textOf(file)
      .replace(/\s+/g, ' ')
      .matchAll(/named\( ?'([^']+)'/g)) {
      const row = ATTACKS.find((one) => one.id === id)
      expect(
        row?.shown?.map((shown) => shown.file),
        `${id} in test/${file}`,
      ).toContain(file)
    }
})

it('knows every advisory, as an attack that is tried or with the reason why there is nothing to try', () => {
  const known = new Set([...ATTACKS.flatMap(({ references }) => references), ...Object.keys(ELSEWHERE)])
  expect(ADVISORIES.filter((advisory) => !known.has(advisory))).toEqual([])
})

/** Request targets for the fuzz: ordinary ones that must pass, odd ones of which only harmless ones may. */

/** A small seeded generator (mulberry32): the same seed gives the same targets everywhere. */
export class Dice {
  #state: number

  constructor(seed: number) {
    this.#state = seed >>> 0
  }

  /** A number from 0 up to, but not including, `below`. */
  below(below: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }

  pick<T>(from: readonly T[]): T {
    return from[this.below(from.length)] as T
  }

  chance(percent: number): boolean {
    return this.below(100) < percent
  }
}

// Written as Latin-1: a character is a byte on the wire.
const SEPARATORS = [
  '//', '///', '/./', '/%2e/', '\\', '%2f', '%2F', '%5c', '%5C', '%252f', '%255c', '%25252F', ';/', '/;/', '/;x=1/',
  '%3b/', '%c0%af', '%e0%80%af', '%c1%9c', '%u002f', '%uff0f', '%ef%bc%8f', '%EF%BC%BC', '%e2%88%95', '/%09', '%0a/',
  '/%00/', '/%20/', '/ /', '%2f%2f', '/%2f', '%2f/', '/\\', '%5c%5c', '\xc0\xaf', '\xef\xbc\x8f', '/%e2%80%8b/',
] // biome-ignore format: a table

const CLIMBS = [
  '..', '%2e%2e', '.%2e', '%2E.', '%252e%252e', '%25252e%25252e', '..;', '..;x=1', '%2e%2e;', '..%00', '..%20', '.. ',
  '...', '....', '..%2f', '..%5c', '..\\', '..%252f', '%c0%ae%c0%ae', '%e0%80%ae.', '%u002e%u002e', '%ef%bc%8e%ef%bc%8e',
  '.%c2%ad.', '..%3b', '..%23', '..%3f', '.', '%2e', '..%09', '%E2%80%A5',
] // biome-ignore format: a table

const TAILS = [
  '.', '..', '...', '%2e', '%20', '%20.', '%2e%20', ';', ';v=1', ';jsessionid=A1', '%3b', '%3Bx', '%253b', '%00', '%00.png',
  '%2500', '%23', '#', '#x', '%2523', '%3f', '%3fx=1', '%253F', '?', '?x=/public', '/', '//', '/.', '/%2e', '%2f', '%252f',
  '%5c', '::$DATA', '~', '%c2%ad', '%e2%80%8b', '%ef%bb%bf', '%cc%81', '%0d%0a', '%09', '+', '*', '%', '%2', '%zz', '%u0041',
  '\xe9', '\xc3\xa9', '%e9', '%c3%a9', '"', '<', '|', '{', '^', '`', '%80', '%ff', '%c0%80', '%f0%9f%98%80', '\\', '/..', '/..;/',
] // biome-ignore format: a table

const FOLDS: Readonly<Record<string, readonly string[]>> = {
  s: ['%c5%bf', 'S', '%ef%bd%93', '%73', '%2573', '%53'],
  k: ['%e2%84%aa', 'K', '%6b'],
  i: ['I', '%c4%b0', '%c4%b1', '%69', '%2569', '%ef%bd%89'],
  a: ['A', '%61', '%41', '%2561', '%ef%bd%81', '%c2%aa'],
}

/** What the odd targets are built around: the literals of a policy. */
export interface Literals {
  /** Paths that need no credential. */
  readonly open: readonly string[]
  /** Paths that demand one. */
  readonly guarded: readonly string[]
}

/** `count` different odd targets, near-misses of the policy's own literals. */
export function oddTargets(dice: Dice, literals: Literals, count: number): string[] {
  const targets = new Set<string>()
  while (targets.size < count) targets.add(oddTarget(dice, literals))
  return [...targets]
}

function oddTarget(dice: Dice, literals: Literals): string {
  let target = start(dice, literals)
  for (let twists = 1 + dice.below(3); twists > 0; twists--) target = twist(dice, target)
  return target
}

function start(dice: Dice, { open, guarded }: Literals): string {
  const goal = dice.pick(guarded)
  switch (dice.below(6)) {
    case 0:
      return goal
    case 1:
      return dice.pick(open)
    case 2: // up and out of an open path
      return `${dice.pick(open)}/${dice.pick(CLIMBS)}${dice.chance(40) ? `/${dice.pick(CLIMBS)}` : ''}${goal}`
    case 3: // up and out, with odd separators all along
      return `${dice.pick(open)}${dice.pick(SEPARATORS)}${dice.pick(CLIMBS)}${dice.pick(SEPARATORS)}${goal.slice(1)}`
    case 4: // one path glued to the other
      return `${dice.pick(open)}${dice.pick(TAILS)}${goal}`
    default: // down into the guarded one and out again
      return `${goal}/${dice.pick(CLIMBS)}${dice.chance(50) ? `/${dice.pick(CLIMBS)}` : ''}${dice.pick(open)}`
  }
}

type Twist = (dice: Dice, target: string) => string

const TWISTS: readonly Twist[] = [
  // A slash becomes something that somebody takes for one.
  (dice, target) => replaceOne(dice, target, /\//g, () => dice.pick(SEPARATORS)),
  (dice, target) => replaceOne(dice, target, /\//g, () => dice.pick(SEPARATORS)),
  // A letter in another alphabet, another case or another encoding.
  (dice, target) => replaceOne(dice, target, /[skia]/g, (letter) => dice.pick(FOLDS[letter] ?? [letter])),
  (dice, target) => replaceOne(dice, target, /[a-z]/g, (letter) => letter.toUpperCase()),
  (dice, target) =>
    replaceOne(dice, target, /[a-z.;]/g, (letter) => encode(letter, dice.below(2), dice.chance(50))),
  // The whole of a segment in capitals, or a piece of it encoded.
  (dice, target) => replaceOne(dice, target, /[a-z]{3,}/g, (word) => word.toUpperCase()),
  (dice, target) =>
    replaceOne(dice, target, /[a-z]{2,}/g, (word) =>
      [...word].map((each) => encode(each, 0, false)).join(''),
    ),
  // Something at the end of a segment, or of it all.
  (dice, target) => replaceOne(dice, target, /[a-z](?=\/|$)/g, (letter) => letter + dice.pick(TAILS)),
  (dice, target) => replaceOne(dice, target, /[a-z](?=\/|$)/g, (letter) => letter + dice.pick(TAILS)),
  (dice, target) => target + dice.pick(TAILS),
  // Something in front.
  (dice, target) =>
    dice.pick([
      '/',
      '//',
      '/.',
      '/%2e',
      '/;',
      '/%2f',
      '\\',
      '/\\',
      '',
      'http://app.example.com',
      '/%20',
      '/;a=b/..',
    ]) + target,
  (dice, target) => `/${dice.pick(CLIMBS)}${target}`,
  // A percent sign encoded once more.
  (dice, target) => replaceOne(dice, target, /%(?=[0-9a-f]{2})/gi, () => '%25'),
  (_, target) => target.replaceAll('%', '%25'),
  // A query that looks like a path.
  (dice, target) => target + dice.pick(['?', '?/public', '?a=/../admin', '?x#y', '?;', '?%00']),
]

function twist(dice: Dice, target: string): string {
  return dice.pick(TWISTS)(dice, target)
}

function replaceOne(dice: Dice, text: string, pattern: RegExp, by: (found: string) => string): string {
  const places = [...text.matchAll(pattern)]
  if (places.length === 0) return text
  const { 0: found, index } = dice.pick(places)
  return text.slice(0, index) + by(found) + text.slice(index + found.length)
}

function encode(character: string, again: number, capitals: boolean): string {
  const hex = character.charCodeAt(0).toString(16).padStart(2, '0')
  return `%${'25'.repeat(again)}${capitals ? hex.toUpperCase() : hex}`
}

/** What honest clients send; one route owns every reading of each. */
export const ORDINARY: readonly string[] = [
  '/',
  '/index.html',
  '/public/',
  '/public/logo.svg',
  '/public/style.css?v=1.2.3',
  '/files/annual%20report.pdf',
  '/files/Annual%20Report%202026.PDF',
  '/files/a%2Fb',
  '/files/a%2fb',
  '/files/a+b',
  '/files/a,b',
  '/files/a:b',
  '/files/@scope/package',
  '/files/@scope%2Fpackage',
  '/files/~alice/notes',
  '/files/%7Ealice/notes',
  "/files/o'brien",
  '/files/(1)',
  '/files/a!b$c&d=e*f',
  '/files/a=b',
  '/files/%E6%96%87%E4%BB%B6.txt',
  '/files/caf%C3%A9',
  '/files/na%C3%AFve%20r%C3%A9sum%C3%A9.doc',
  '/files/%F0%9F%98%80.png',
  '/files/100%25',
  '/100%25',
  '/files/50%25%20off',
  '/x;v=1',
  '/files/a;v=1/b',
  '/wiki//a',
  '/files//a',
  '/files/a/',
  '/files/README',
  '/Files2/README',
  '/files/archive.tar.gz',
  '/files/.well-known',
  '/.well-known/security.txt',
  '/files/...more',
  '/files/v1.2.',
  '/files/what%3F',
  '/files/c%23',
  '/files/a%26b',
  '/files/%5Bid%5D',
  '/files/[id]',
  '/files/a|b',
  '/files/2026-11-21T10:00:00Z',
  '/users/alice@example.com',
  '/search?q=caf%C3%A9+au+lait&page=2&sort=-date',
  '/search?q=../../admin',
  '/search?next=/admin/users',
  '/search?next=%2Fadmin%2Fusers%3Fa%3Db%23c',
  '/search?q=a;b;c',
  '/search?q=100%',
  '/search?',
  '/search??',
  '/search?a[]=1&a[]=2',
  `/search?q=${'x'.repeat(6000)}`,
  `/files/${'long-'.repeat(200)}name`,
  '/a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p',
  '/api/v1/items/550e8400-e29b-41d4-a716-446655440000',
  '/%41bc',
  '/a-b_c.d~e',
]

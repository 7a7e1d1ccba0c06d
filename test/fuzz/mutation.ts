/** Changes to inputs that know nothing of their form. */
import type { Dice } from '../e2e/targets.ts'
import type { Input } from './target.ts'

/** What a change may draw from. */
interface Pantry {
  readonly dictionary: readonly string[]
  /** Inputs that have led somewhere. */
  readonly corpus: readonly Input[]
}

type Mutation = (input: Input, dice: Dice, pantry: Pantry) => Input

const BYTES = ['\0', '\t', '\n', '\r', ' ', '"', '%', ',', '.', '/', ':', ';', '\\', '\x7f', '\x80', '\xff']
const NUMBERS = ['0', '-1', '1e400', '4294967296', '9007199254740993', '65536', '00', '0x10', '1.5', '-0']

/** A range of at least one byte; empty only in an empty input. */
function range(input: Input, dice: Dice, longest = 32): [from: number, to: number] {
  if (input === '') return [0, 0]
  const from = dice.below(input.length)
  return [from, Math.min(input.length, from + 1 + dice.below(longest))]
}

const put = (input: Input, from: number, to: number, text: string): Input =>
  input.slice(0, from) + text + input.slice(to)

const place = (input: Input, dice: Dice): number => dice.below(input.length + 1)

/** In the order of the table: bytes first, words and structure after. */
const MUTATIONS: readonly Mutation[] = [
  (input, dice) => {
    const [at, to] = range(input, dice, 1)
    return put(input, at, to, String.fromCharCode((input.charCodeAt(at) || 0) ^ (1 << dice.below(8))))
  },
  (input, dice) => put(input, ...range(input, dice, 1), String.fromCharCode(dice.below(256))),
  (input, dice) => {
    const at = place(input, dice)
    return put(input, at, at, dice.pick(BYTES))
  },
  (input, dice) => put(input, ...range(input, dice), ''),
  (input, dice) => put(input, ...range(input, dice, 2), ''),
  // A piece once more, beside itself or elsewhere.
  (input, dice) => {
    const [from, to] = range(input, dice)
    return put(input, to, to, input.slice(from, to))
  },
  (input, dice) => {
    const [from, to] = range(input, dice)
    const at = place(input, dice)
    return put(input, at, at, input.slice(from, to))
  },
  // A piece many times: what grows faster than its input shows here.
  (input, dice) => {
    const [from, to] = range(input, dice, 8)
    return put(input, to, to, input.slice(from, to).repeat(1 << dice.below(12)))
  },
  (input, dice, { dictionary }) => {
    const at = place(input, dice)
    return put(input, at, at, dice.pick(dictionary))
  },
  (input, dice, { dictionary }) => put(input, ...range(input, dice, 12), dice.pick(dictionary)),
  (input, dice, { dictionary }) => put(input, ...range(input, dice, 1), dice.pick(dictionary)),
  // The head of one input and the tail of another.
  (input, dice, { corpus }) => {
    const other = corpus.length === 0 ? input : dice.pick(corpus)
    return input.slice(0, place(input, dice)) + other.slice(place(other, dice))
  },
  (input, dice, { corpus }) => {
    const other = corpus.length === 0 ? input : dice.pick(corpus)
    const at = place(input, dice)
    return put(input, at, at, other.slice(...range(other, dice, 24)))
  },
  (input, dice) => {
    const numbers = [...input.matchAll(/\d+/g)]
    if (numbers.length === 0) return input
    const { 0: found, index } = dice.pick(numbers)
    return put(input, index, index + found.length, dice.pick(NUMBERS))
  },
  (input, dice) => {
    const [at, to] = range(input, dice, 6)
    const piece = input.slice(at, to)
    return put(input, at, to, dice.chance(50) ? piece.toUpperCase() : piece.toLowerCase())
  },
  (input, dice) => {
    const [at, to] = range(input, dice, 2)
    const encoded = [...input.slice(at, to)].map(
      (byte) => `%${byte.charCodeAt(0).toString(16).padStart(2, '0')}`,
    )
    return put(input, at, to, encoded.join(''))
  },
]

/** Everything above Latin-1 that a change of case makes is no byte. */
const bytes = (text: string): Input => text.replace(/[^\x00-\xff]/g, '?')

/** One to five changes after each other. */
export function mutated(input: Input, dice: Dice, pantry: Pantry, longest: number): Input {
  let text = input
  do text = dice.pick(MUTATIONS)(text, dice, pantry)
  while (dice.chance(45) && text.length < longest * 2)
  return bytes(text).slice(0, longest)
}

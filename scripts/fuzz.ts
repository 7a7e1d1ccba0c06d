/**
 * `npm run fuzz -- --minutes N [--seed S] [--target NAME] [--runs N] [--grow]`: makes inputs, guided by coverage, and
 * keeps each that fails as a fixture. `--input FILE --target NAME` runs one, a fixture or bytes as they are.
 */

import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { attempt, campaign, type Report } from '../test/fuzz/campaign.ts'
import { Cost } from '../test/fuzz/cost.ts'
import { corpusOf, type Found, inputIn, keepCorpus, keepFound } from '../test/fuzz/findings.ts'
import type { Input, Target } from '../test/fuzz/target.ts'
import { TARGETS } from '../test/fuzz/targets/index.ts'
import { Watchdog } from '../test/fuzz/watchdog.ts'

const FOLDER = '.tmp/fuzz'
/** Seconds after which an input that still runs never ends. */
const PATIENCE = 60
/** Bytes beyond which an input is worth no place in the corpus, and bytes of a whole corpus. */
const KEPT_LENGTH = 1024
const KEPT = 32 * 1024

const { values } = parseArgs({
  options: {
    minutes: { type: 'string' },
    runs: { type: 'string' },
    seed: { type: 'string', default: '20261121' },
    target: { type: 'string', multiple: true },
    input: { type: 'string' },
    grow: { type: 'boolean', default: false },
  },
})

const number = (name: string, text: string | undefined): number | null => {
  if (text === undefined) return null
  const value = Number(text)
  if (Number.isFinite(value) && value >= 0) return value
  console.error(`--${name} is not a number: ${text}`)
  process.exit(2)
}

const chosen = TARGETS.filter(({ name }) => values.target === undefined || values.target.includes(name))
if (chosen.length === 0 || (values.input !== undefined && chosen.length !== 1)) {
  console.error(`--target is one of ${TARGETS.map(({ name }) => name).join(', ')}`)
  process.exit(2)
}

// What nobody awaits is a crash of a service as well.
for (const event of ['uncaughtException', 'unhandledRejection'] as const)
  process.on(event, (cause: unknown) => {
    process.exitCode = 1
    console.error(`${event}:`, cause)
  })

const [one] = chosen
if (values.input !== undefined && one !== undefined) await replayFile(one, values.input)
else await fuzzAll()
process.exit(process.exitCode ?? 0)

/** A fixture holds its bytes in base64, any other file is the bytes. */
function inputOf(file: string): Input {
  const bytes = readFileSync(file)
  if (!file.endsWith('.json')) return bytes.toString('latin1')
  return inputIn(JSON.parse(bytes.toString('utf8')) as Found)
}

async function replayFile(target: Target, file: string): Promise<void> {
  const input = inputOf(file)
  const harness = await target.open()
  const { failures, features, allowed } = await attempt(harness, input)
  await harness.close?.()
  const price = await new Cost(target).price(input)
  const slow = await new Cost(target).judge(input)
  const all = slow === null ? failures : [...failures, slow]
  console.log(`${target.name}: ${JSON.stringify(input.slice(0, 2000))}`)
  console.log(`led to ${features.join('; ') || 'nothing'}${allowed ? ', allowed' : ''}`)
  console.log(
    `took ${Math.round(price.microseconds)} µs, ${price.times.toFixed(1)} times an ordinary input of its size`,
  )
  for (const { kind, detail } of all) console.log(`FAILED ${kind}: ${detail}`)
  if (all.length > 0) process.exitCode = 1
}

async function fuzzAll(): Promise<void> {
  const seed = number('seed', values.seed) ?? 0
  const runs = number('runs', values.runs)
  const minutes = number('minutes', values.minutes) ?? (runs === null ? 1 : null)
  mkdirSync(FOLDER, { recursive: true })
  for (const target of chosen) {
    const end =
      minutes === null ? Number.POSITIVE_INFINITY : performance.now() + (minutes * 60_000) / chosen.length
    const watchdog = new Watchdog(join(FOLDER, `hang-${target.name}`), PATIENCE)
    const report = await campaign(target, {
      seed,
      runs: runs ?? Number.MAX_SAFE_INTEGER,
      expired: () => performance.now() > end,
      coverage: true,
      corpus: corpusOf(target.name),
      watch: watchdog.watch,
    })
    await watchdog.stop()
    tell(target, seed, report)
    if (values.grow) grow(target, report)
  }
}

function tell(
  target: Target,
  seed: number,
  { runs, seconds, allowed, covered, corpus, findings }: Report,
): void {
  const rate = Math.round(runs / seconds)
  console.log(
    `${target.name}: ${runs} runs in ${seconds.toFixed(0)} s (${rate}/s), ${allowed} allowed, ${covered} characters of source covered, ${corpus.length} inputs kept, ${findings.length} findings; seed ${seed}`,
  )
  for (const { input, failure, alone, after } of findings) {
    process.exitCode = 1
    console.log(`FAILED ${target.name} after ${after} runs: ${failure.kind}: ${failure.detail}`)
    console.log(`  input ${JSON.stringify(input.slice(0, 400))}${alone ? '' : ' (only after others)'}`)
    console.log(`  kept in ${keepFound(target.name, input, failure)}`)
  }
}

/** Keeps what led somewhere new for later passes: the first found first, as far as there is room. */
function grow({ name, seeds }: Target, { corpus }: Report): void {
  let room = KEPT
  const kept = corpus.filter((input) => {
    if (input.length > KEPT_LENGTH || seeds.includes(input) || input.length > room) return false
    room -= input.length
    return true
  })
  keepCorpus(name, kept)
}

/**
 * `npm run soak`: everything at once, for long (docs/security/soak.md).
 *
 * --minutes N (20) --seed N (random) --workers N (1) --period SECONDS (60) between two restarts of the store;
 * --write puts the result into docs/security/soak.md, --json FILE into a file; --trials plants bugs instead, one after
 * the other, and sees whether they are found (--trial TEXT: only those whose name holds it).
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { runSection, trialSection, withSection } from '../test/soak/report.ts'
import { type SoakOptions, soak, worded } from '../test/soak/soak.ts'
import { PLANTS, type Trial, tryPlant } from '../test/soak/trials.ts'

const ROOT = join(import.meta.dirname, '..')
const PAGE = join(ROOT, 'docs/security/soak.md')

const { values } = parseArgs({
  options: {
    minutes: { type: 'string' },
    seed: { type: 'string', default: String(1 + Math.floor(Math.random() * 1_000_000)) },
    workers: { type: 'string', default: '1' },
    period: { type: 'string' },
    json: { type: 'string' },
    write: { type: 'boolean', default: false },
    trials: { type: 'boolean', default: false },
    trial: { type: 'string', default: '' },
  },
})
const given = { seed: Number(values.seed), workers: Number(values.workers), root: ROOT, tell: console.log }
const trying = values.trials || values.trial !== ''
process.exitCode = (await (trying ? tryAll() : run())) ? 0 : 1

/** @returns whether nothing was wrong */
async function run(): Promise<boolean> {
  const minutes = Number(values.minutes ?? 20)
  console.log(`seed ${given.seed}, ${minutes} minutes`)
  const report = await soak({ ...given, minutes, period: Number(values.period ?? 60) * 1000 })
  const section = await runSection(report)
  console.log(section)
  for (const violation of report.violations) console.error(worded(violation))
  console.log(`seed ${given.seed}: ${report.found} violations`)
  if (values.json !== undefined) writeFileSync(values.json, JSON.stringify(report, null, 2))
  if (values.write) write('run', section)
  return report.found === 0
}

/** @returns whether every bug was found */
async function tryAll(): Promise<boolean> {
  const trials: Trial[] = []
  const options: SoakOptions = {
    ...given,
    minutes: Number(values.minutes ?? 5),
    period: Number(values.period ?? 20) * 1000,
  }
  for (const plant of PLANTS.filter(({ name }) => name.includes(values.trial))) {
    console.log(`planted: ${plant.name}`)
    const trial = await tryPlant(plant, options)
    trials.push(trial)
    for (const other of trial.others) console.log(worded(other))
    console.log(trial.found === null ? 'NOT FOUND' : `found after ${trial.seconds.toFixed(0)} s`)
  }
  const section = trialSection(trials, readFileSync(PAGE, 'utf8'))
  console.log(section)
  if (values.write) write('trials', section)
  return trials.every(({ found }) => found !== null)
}

function write(name: 'run' | 'trials', section: string): void {
  writeFileSync(PAGE, withSection(readFileSync(PAGE, 'utf8'), name, section))
  console.log(`wrote ${PAGE}`)
}

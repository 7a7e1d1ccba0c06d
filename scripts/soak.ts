/** `npm run soak -- --minutes 20 [--seed N] [--workers N] [--period SECONDS] [--write]`. */
import { parseArgs } from 'node:util'
import { soak } from '../test/soak/soak.ts'

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '20' },
    seed: { type: 'string', default: String(1 + Math.floor(Math.random() * 1_000_000)) },
    workers: { type: 'string', default: '1' },
    period: { type: 'string', default: '60' },
    root: { type: 'string', default: process.cwd() },
    impatient: { type: 'boolean', default: false },
  },
})
const report = await soak({
  minutes: Number(values.minutes),
  seed: Number(values.seed),
  workers: Number(values.workers),
  period: Number(values.period) * 1000,
  root: values.root,
  impatient: values.impatient,
  tell: console.log,
})
console.log(
  JSON.stringify(
    {
      ...report,
      vitals: report.vitals.map(({ samples, ...v }) => ({
        ...v,
        first: samples[0],
        last: samples.at(-1),
        n: samples.length,
      })),
    },
    null,
    1,
  ),
)
process.exit(report.found === 0 ? 0 : 1)

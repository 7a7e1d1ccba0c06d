/** What a run and its trials came to, for docs/security/soak.md. */
import { execFileSync } from 'node:child_process'
import { cpus, totalmem } from 'node:os'
import { findServer } from '../../scripts/servers.ts'
import { type SoakReport, worded } from './soak.ts'
import { PLANTS, type Trial } from './trials.ts'

const MIB = 2 ** 20
const number = (value: number): string => Math.round(value).toLocaleString('en-GB')
const mib = (bytes: number): string => (bytes / MIB).toFixed(1)
const table = (heads: readonly string[], rows: readonly (readonly (string | number)[])[]): string =>
  [heads, heads.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')

/** The section between two marks of the page, with another text in its place. */
export function withSection(page: string, name: 'run' | 'trials', text: string): string {
  const [begin, end] = [`<!-- ${name}, written by \`npm run soak\` -->`, `<!-- end of ${name} -->`]
  const [from, to] = [page.indexOf(begin), page.indexOf(end)]
  if (from < 0 || to < from) throw new Error(`the page has no place for its ${name}`)
  return `${page.slice(0, from)}${begin}\n\n${text}\n\n${page.slice(to)}`
}

/** Where a run was made, and with what. */
async function surroundings(): Promise<string> {
  const [cpu] = cpus()
  const servers = await Promise.all((['traefik', 'redis-server'] as const).map((name) => findServer(name)))
  const [traefik, redis] = servers.map((one) => ('missing' in one ? 'none' : one.version))
  const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim()
  const memory = `${Math.round(totalmem() / 2 ** 30)} GiB`
  return (
    `${cpus().length} cores of ${cpu?.model.trim() ?? 'unknown make'}, ${memory}; ` +
    `Node ${process.versions.node}, Traefik ${traefik}, Redis ${redis}, Postern at commit ${commit}`
  )
}

/** One run in words and tables. */
export async function runSection(report: SoakReport): Promise<string> {
  const { options, seconds, violations, found, answers, deeds, outages, vitals, buckets } = report
  const requests = Object.values(answers).reduce((sum, all) => sum + total(all), 0)
  const healing = outages.flatMap(({ up, healed }) =>
    up === null || healed === null ? [] : [(healed - up) / 1000],
  )
  const away = outages.flatMap(({ from, up }) => (up === null ? [] : [(up - from) / 1000]))
  const facts: readonly (readonly [string, string])[] = [
    ['where', await surroundings()],
    ['when', new Date().toISOString().slice(0, 10)],
    [
      'how',
      `${options.minutes} minutes, seed ${options.seed}, ${options.workers} process(es), a restart of the store every ${options.period / 1000} s`,
    ],
    [
      'requests',
      `${number(requests)}, ${number(requests / seconds)} a second; ${number(report.arrived)} reached the upstream; ${number(report.records)} records`,
    ],
    ['**wrong**', found === 0 ? '**nothing**' : `**${found}**, see below`],
    [
      'store',
      `away ${outages.length} times, ${outages.filter(({ emptied }) => emptied).length} of them emptied, for ${range(away)} s; the service worked with it again ${range(healing)} s after it was back; a store that was there was not worked with for ${report.excused.toFixed(0)} s in all`,
    ],
    [
      'limits',
      `${number(buckets.buckets)} buckets, ${number(buckets.admitted)} requests admitted by them; none was seen to hold more than ${(buckets.fullest * 100).toFixed(0)} % of its bound`,
    ],
    [
      'matters of the machine',
      `${number(report.slow)} decisions went without a store that was there, ${number(report.late)} took longer than 400 ms and were denied with 503`,
    ],
  ]
  const parts = [table(['', ''], facts)]
  if (found > 0) parts.push(['```', ...violations.map(worded), '```'].join('\n'))
  parts.push(
    'What the processes held after forced collections, from the first sample to half-time to the last:',
    table(
      [
        'process',
        'samples',
        'heap, MiB',
        'growth a minute in the second half, MiB (borne)',
        'resident, MiB',
        'handles',
        'descriptors',
      ],
      vitals.map(({ pid, samples, slope, borne }, index) => {
        const points = [samples[0], samples[Math.floor(samples.length / 2)], samples.at(-1)]
        const of = (read: (sample: (typeof samples)[number]) => string) =>
          points.map((one) => (one === undefined ? '' : read(one))).join(', ')
        return [
          ...[vitals.length === 1 ? 'service' : `worker ${index + 1}`, pid > 0 ? samples.length : 0],
          ...[of(({ heapUsed }) => mib(heapUsed)), `${mib(slope)} (${mib(borne)})`],
          ...[of(({ rss }) => mib(rss)), of(({ handles }) => String(handles))],
          of(({ descriptors }) => String(descriptors)),
        ]
      }),
    ),
    'What the operator did, and what the service told of:',
    Object.entries(deeds)
      .sort(([a], [b]) => a.localeCompare(b))
      .map(([deed, count]) => `${deed} (${number(count)})`)
      .join(', '),
    'Requests by class, and how they were answered:',
    table(
      ['class', 'requests', 'answers'],
      Object.entries(answers)
        .sort(([a], [b]) => a.localeCompare(b))
        .map(([kind, all]) => [kind, number(total(all)), inWords(all)]),
    ),
  )
  return parts.join('\n\n')
}

const total = (all: Readonly<Record<string, number>>): number =>
  Object.values(all).reduce((sum, one) => sum + one, 0)

const inWords = (all: Readonly<Record<string, number>>): string =>
  Object.entries(all)
    .sort(([a], [b]) => a.localeCompare(b))
    .map(([outcome, count]) => `${outcome}: ${number(count)}`)
    .join(', ')

const range = (values: readonly number[]): string =>
  values.length === 0 ? '-' : `${Math.min(...values).toFixed(1)} to ${Math.max(...values).toFixed(1)}`

/** The trials as a table: what was planted, and by what it was found. @param page where trials of others may stand */
export function trialSection(trials: readonly Trial[], page: string): string {
  const rows = PLANTS.map(({ name }) => {
    const trial = trials.find(({ plant }) => plant.name === name)
    const before = page.split('\n').find((line) => line.startsWith(`| ${name} |`))
    return trial === undefined ? before : `| ${cellsOf(trial).join(' | ')} |`
  })
  const heads = table(['what was planted', 'where', 'found', 'as', 'in requests of the class', 'seed'], [])
  return [heads, ...rows.filter((row) => row !== undefined)].join('\n')
}

const cellsOf = ({ plant, found, seconds, seed }: Trial): readonly (string | number)[] => [
  ...[plant.name, `\`${plant.file}\``, found === null ? '**no**' : `after ${seconds.toFixed(0)} s`],
  ...[found === null ? '-' : found.told.replaceAll('|', '\\|'), found?.kind || '-', seed],
]

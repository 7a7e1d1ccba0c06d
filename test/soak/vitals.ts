/** What the processes under test hold: sampled after forced collections, and judged to be flat or not. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Service } from './service.ts'

/** One look at one process. Bytes; counts. */
export interface Sample {
  readonly at: number
  readonly heapUsed: number
  readonly external: number
  readonly rss: number
  readonly handles: number
  readonly descriptors: number
}

export interface Verdict {
  readonly pid: number
  readonly samples: readonly Sample[]
  /** Bytes per minute over the second half, by least squares, and what is borne. */
  readonly slope: number
  readonly borne: number
  readonly faults: readonly string[]
}

const MIB = 2 ** 20

/**
 * What growth is borne: caches that are bounded fill up slowly, and half a minute of samples has noise of about this
 * size. A cache that forgets nothing grows by several times as much.
 */
const BORNE = { bytes: 2 * MIB, part: 0.04, descriptors: 12, handles: 12 } as const

export class Vitals {
  readonly #service: Service
  readonly #samples = new Map<number, Sample[]>()
  /** Lines of each probe that were read. */
  readonly #read = new Map<string, number>()
  /** What nobody caught, warnings included, in the processes' own words. */
  readonly uncaught: string[] = []
  #begun = 0

  constructor(service: Service) {
    this.#service = service
  }

  /** Reads what the probes have written since, and asks each process for its next sample. */
  sample(): void {
    this.read()
    for (const pid of this.#service.pids) {
      try {
        process.kill(pid, 'SIGUSR2')
      } catch {
        this.uncaught.push(`process ${pid} is gone`)
      }
    }
  }

  read(): void {
    for (const name of readdirSync(this.#service.probed)) {
      const lines = readFileSync(join(this.#service.probed, name), 'utf8').split('\n').slice(0, -1)
      const pid = Number(name.replace('.jsonl', ''))
      for (const line of lines.slice(this.#read.get(name) ?? 0)) this.#learn(pid, JSON.parse(line))
      this.#read.set(name, lines.length)
    }
    this.#begun = this.#read.size
  }

  /** How many processes have begun: more than there should be means that one has died. */
  get begun(): number {
    return this.#begun
  }

  verdicts(): Verdict[] {
    return [...this.#samples].map(([pid, samples]) => judge(pid, samples))
  }

  #learn(pid: number, said: { is: string; [detail: string]: unknown }): void {
    if (said.is === 'uncaught' || said.is === 'warning')
      this.uncaught.push(`${said.is} ${said['origin'] ?? ''} ${said['error']}`)
    if (said.is !== 'sample') return
    const { at, heapUsed, external, rss, handles } = said as unknown as Sample & {
      handles: Readonly<Record<string, number>>
    }
    const open = Object.values(handles as Record<string, number>).reduce((sum, count) => sum + count, 0)
    const folder = `/proc/${pid}/fd`
    const descriptors = existsSync(folder) ? readdirSync(folder).length : 0
    const all = this.#samples.get(pid) ?? []
    all.push({ at, heapUsed, external, rss, handles: open, descriptors })
    this.#samples.set(pid, all)
  }
}

/** Whether what a process holds is flat over the second half of its samples. */
export function judge(pid: number, samples: readonly Sample[]): Verdict {
  const half = samples.slice(Math.floor(samples.length / 2))
  const [first, last] = [half[0], half.at(-1)]
  if (first === undefined || last === undefined || half.length < 5)
    return { pid, samples, slope: 0, borne: 0, faults: ['too few samples to judge'] }
  const minutes = (last.at - first.at) / 60_000
  // What is outside of the heap is buffers of a fixed size and what the heap refers to: it counts, but bears nothing.
  const held = ({ heapUsed, external }: Sample): number => heapUsed + external
  const middle = mean(half.slice(0, 5).map(held))
  const heap = mean(half.slice(0, 5).map(({ heapUsed }) => heapUsed))
  const slope = slopeOf(half.map((one) => [(one.at - first.at) / 60_000, held(one)]))
  const borne = Math.max(BORNE.bytes, BORNE.part * heap) / minutes
  const faults: string[] = []
  const mib = (bytes: number): string => `${(bytes / MIB).toFixed(2)} MiB`
  if (slope > borne) faults.push(`the heap grows by ${mib(slope)} a minute, and ${mib(borne)} are borne`)
  const final = mean(half.slice(-5).map(held))
  if (final > middle + Math.max(2 * BORNE.bytes, 2 * BORNE.part * heap))
    faults.push(`the heap ends at ${mib(final)}, from ${mib(middle)} at half-time`)
  const early = samples.slice(0, Math.floor(samples.length / 2))
  for (const name of ['handles', 'descriptors'] as const) {
    const before = Math.max(...early.map((one) => one[name]))
    const after = median(half.slice(-5).map((one) => one[name]))
    if (after > before + BORNE[name]) faults.push(`${name} rise from ${before} at most to ${after}`)
  }
  return { pid, samples, slope, borne, faults }
}

const mean = (values: readonly number[]): number => values.reduce((sum, one) => sum + one, 0) / values.length
const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0

/** Least squares. */
function slopeOf(points: readonly (readonly [x: number, y: number])[]): number {
  const x = mean(points.map(([each]) => each))
  const y = mean(points.map(([, each]) => each))
  const spread = points.reduce((sum, [each]) => sum + (each - x) ** 2, 0)
  return spread === 0 ? 0 : points.reduce((sum, [a, b]) => sum + (a - x) * (b - y), 0) / spread
}

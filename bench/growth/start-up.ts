import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Figure, figureOf } from '../figure.ts'
import { processFigures } from '../proc.ts'
import { builtCommand } from './build.ts'
import { GROUP } from './measure.ts'
import { policyText } from './routes.ts'

/** Seconds in which a service with many routes has to be ready. */
const MOST = 2

/**
 * `postern serve` with a policy of many routes, from its start to the line that says that it is ready. Told in processor
 * time, which is what the start takes on a machine that has nothing else to do, and on a busy one as well.
 */
export async function startUpFigures(quick: boolean): Promise<Figure[]> {
  if (process.platform !== 'linux') return []
  const command = builtCommand()
  const folder = mkdtempSync(join(tmpdir(), 'postern-bench-'))
  try {
    const fileOf = (routes: number): string => {
      const file = join(folder, `${routes}.yaml`)
      writeFileSync(file, yamlOf(policyText(routes)))
      return file
    }
    const [many, few] = quick ? [300, 10] : [10_000, 10]
    const [large, small] = [fileOf(many), fileOf(few)]
    const [seconds, least]: [number[], number[]] = [[], []]
    for (let round = 0; round < (quick ? 1 : 5); round++) {
      seconds.push(await startOf(command, large))
      least.push(await startOf(command, small))
    }
    const what = `start-up with ${many.toLocaleString('en-GB')} routes`
    const texts = { group: GROUP, what, unit: 's' }
    return [
      figureOf(
        { ...texts, against: `${MOST} s`, target: { atMost: 1 } },
        seconds,
        seconds.map(() => MOST),
      ),
      figureOf({ ...texts, against: `${few} routes`, target: null }, seconds, least),
    ]
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** The routes as people write them, one to a line; the rest stays JSON, which is YAML too. */
function yamlOf(json: string): string {
  const { routes, ...rest } = JSON.parse(json) as { routes: Readonly<Record<string, unknown>> }
  const lines = (sections: Readonly<Record<string, unknown>>, indent: string): string =>
    Object.entries(sections)
      .map(([name, value]) => `${indent}${name}: ${JSON.stringify(value)}\n`)
      .join('')
  return `${lines(rest, '')}routes:\n${lines(routes, '  ')}`
}

async function startOf(command: string, file: string): Promise<number> {
  const child = spawn(process.execPath, [command, 'serve', file], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, BENCH_TOKEN: 'a4f0c2e89b1d4c7fae53d06c8e1b92f7', NODE_ENV: 'production' },
  })
  const kill = (): void => void child.kill('SIGKILL')
  process.once('exit', kill)
  const gone = once(child, 'exit')
  await Promise.race([once(child.stdout, 'data'), gone])
  if (child.exitCode !== null) throw new Error(`postern serve ended with ${child.exitCode}`)
  const { cpu } = processFigures(child.pid as number)
  kill()
  await gone
  process.off('exit', kill)
  return cpu
}

/** What the programs cost that users would otherwise pick, where they are on the PATH. */
import { createServer } from 'node:http'
import { portNear } from '../../scripts/free-port.ts'
import { launch, until } from '../../test/e2e/process.ts'
import { perCpuSecond } from '../cpu-load.ts'
import { AUDIENCE, checkBytes, ISSUER, Issuer } from '../credentials.ts'
import { figureOf } from '../figure.ts'
import { load } from '../load.ts'
import type { Group, Print } from '../plan.ts'
import { processFigures } from '../proc.ts'
import { Stand } from '../stand.ts'
import { alternate, perRound } from '../statistics.ts'
import type { Subject } from '../subject.ts'
import { onPath, PROGRAMS, type Program, writeFiles } from './programs.ts'

const FULL = { warmUp: 2, rounds: 11, warm: 10_000, cold: 2_000, connections: 16 }
const QUICK = { warmUp: 1, rounds: 3, warm: 100, cold: 20, connections: 4 }

export const otherFigures: Group = async ({ quick, note }, print) => {
  const programs = PROGRAMS.flatMap((program) => {
    const file = onPath(program.name)
    return file === null ? [] : [{ program, file }]
  })
  const missing = PROGRAMS.filter(({ name }) => programs.every(({ program }) => program.name !== name))
  if (missing.length > 0)
    note(`Without the rows about ${missing.map(({ name }) => name).join(', ')}: not on the PATH.`)
  if (programs.length === 0) return
  if (process.platform !== 'linux') return note('The processor time of other programs is read from /proc.')
  const plan = quick ? QUICK : FULL
  await Stand.during(async (stand) => {
    const issuer = new Issuer('RS256')
    const postern = await stand.postern('Postern', issuer)
    for (const { program, file } of programs)
      await Stand.during(async (beside) => {
        const other = await startProgram(beside, program, file, issuer)
        await compare(plan, issuer, postern, { program, subject: other }, print)
      })
  })
}

/** Postern against one of the others: a token that both have seen, and tokens that neither has. */
async function compare(
  plan: typeof FULL,
  issuer: Issuer,
  postern: Subject,
  other: { readonly program: Program; readonly subject: Subject },
  print: Print,
): Promise<void> {
  const { connections } = plan
  const sides = [
    { subject: postern, path: '/check/traefik' },
    { subject: other.subject, path: other.program.path },
  ]
  const texts = { group: 'others', against: other.program.name, unit: 'per CPU-second' }
  const known = issuer.token()
  const [warmOurs = [], warmTheirs = []] = await alternate(
    plan,
    sides.map(({ subject, path }) => () => {
      const check = checkBytes(known, path)
      return perCpuSecond(subject, { requests: plan.warm, connections }, () => check)
    }),
  )
  print(figureOf({ ...texts, what: 'warm JWT decision', target: { atLeast: 6 } }, warmOurs, warmTheirs))

  const tokensOf = perRound(() => Array.from({ length: plan.cold }, () => issuer.token()))
  const [coldOurs = [], coldTheirs = []] = await alternate(
    plan,
    sides.map(({ subject, path }) => (round: number) => {
      const checks = tokensOf(round).map((token) => checkBytes(token, path))
      return perCpuSecond(subject, { requests: plan.cold, connections }, (index) => checks[index] as string)
    }),
  )
  print(
    figureOf({ ...texts, what: 'never-seen RS256 token', target: { atLeast: 1.7 } }, coldOurs, coldTheirs),
  )
}

/** Starts one of the others on its documented configuration, and waits until it allows. */
export async function startProgram(
  stand: Stand,
  program: Program,
  file: string,
  issuer: Issuer,
): Promise<Subject> {
  const folder = stand.folderOf(program.name)
  const port = await portNear(0)
  const configuration = writeFiles(program, folder, {
    PORT: port,
    SPARE_PORT: await portNear(0),
    OTHER_PORT: await portNear(0),
    ISSUER,
    AUDIENCE,
    JWKS: `http://127.0.0.1:${await serveKeys(stand, issuer)}/keys`,
  })
  const running = stand.keep(launch(file, program.arguments(configuration), { folder }))
  const request = checkBytes(issuer.token(), program.path)
  await until(async () => {
    const answered = await load(port, 1, 1, () => request).catch(() => null)
    return answered?.failures === 0
  }, running)
  return {
    name: program.name,
    port,
    tls: null,
    cpu: async () => processFigures(running.pid).cpu,
    stop: async () => void (await running.stop()),
  }
}

/** The issuer's key set over http, on loopback. */
async function serveKeys(stand: Stand, issuer: Issuer): Promise<number> {
  const body = JSON.stringify(issuer.keySet())
  const server = createServer((_, response) => {
    response.writeHead(200, { 'Content-Type': 'application/json', 'Cache-Control': 'max-age=3600' }).end(body)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  stand.keep({ stop: async () => void server.close() })
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the key set has no port')
  return address.port
}

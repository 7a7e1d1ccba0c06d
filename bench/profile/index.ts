/** Where the processor time of a warm decision goes. */
import { type Asking, perCpuSecond } from '../cpu-load.ts'
import { checkBytes, Issuer } from '../credentials.ts'
import { load } from '../load.ts'
import { pin } from '../pin.ts'
import type { Plan } from '../plan.ts'
import { Stand } from '../stand.ts'
import { accountOf, type PartTime } from './account.ts'

const FULL = { rounds: 5, requests: 40_000, connections: 16 }
const QUICK = { rounds: 1, requests: 400, connections: 4 }

/** What the time of a warm decision consists of. */
export interface Account {
  /** Microseconds of processor time for a check, of all threads, without the profiler. */
  readonly perCheck: number
  /** Of the main thread. */
  readonly parts: readonly PartTime[]
}

export async function warmAccount({ quick }: Pick<Plan, 'quick'>): Promise<Account> {
  const plan: Asking & { readonly rounds: number } = quick ? QUICK : FULL
  let account: Account | null = null
  await Stand.during(async (stand) => {
    // The profiler goes by the clock on the wall: on a processor that is shared, whoever ran meanwhile would be counted.
    pin(false)
    const issuer = new Issuer('RS256')
    const postern = await stand.postern('Postern', issuer, { profiled: true })
    const known = checkBytes(issuer.token())
    let best = 0
    for (let round = 0; round < plan.rounds; round++)
      best = Math.max(best, await perCpuSecond(postern, plan, () => known))
    const profile = await postern.profile(() =>
      load(postern.port, plan.requests, plan.connections, () => known),
    )
    account = { perCheck: 1e6 / best, parts: accountOf(profile) }
  })
  if (account === null) throw new Error('nothing was profiled')
  return account
}

const percent = (share: number): string => `${(share * 100).toFixed(share < 0.1 ? 1 : 0)} %`

/** The account as a Markdown table. */
export function accountTable({ perCheck, parts }: Account): string {
  const rows = parts.map(
    ({ part, share, most }) =>
      `| ${part} | ${percent(share)} | ${(share * perCheck).toFixed(1)} | ${most.map((name) => `\`${name}\``).join(', ')} |`,
  )
  return ['| part | share | µs a check | most of it in |', '|---|---|---|---|', ...rows].join('\n')
}

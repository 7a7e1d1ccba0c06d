/** What a check costs in workerd, against Node and against a Worker that decides nothing. */
import { perCpuSecond } from './cpu-load.ts'
import { checkBytes, environmentOf, Issuer } from './credentials.ts'
import { figureOf } from './figure.ts'
import type { Group } from './plan.ts'
import { policyText } from './policies.ts'
import { Stand } from './stand.ts'
import { alternate } from './statistics.ts'
import { startWorkerSubject } from './workerd.ts'

const FULL = { warmUp: 2, rounds: 11, requests: 12_000, connections: 16 }
const QUICK = { warmUp: 1, rounds: 3, requests: 200, connections: 4 }

export const workerFigures: Group = async ({ quick, note }, print) => {
  if (process.platform !== 'linux') {
    note('Without the rows about Workers: the processor time of workerd is read from /proc.')
    return
  }
  await Stand.during(async (stand) => {
    const plan = quick ? QUICK : FULL
    const issuer = new Issuer('RS256')
    const policy = policyText()
    const worker = async (name: string, entry: string) =>
      stand.keep(await startWorkerSubject(name, entry, policy, environmentOf(issuer)))
    const subjects = [
      await worker('Worker', 'src/worker.ts'),
      await worker('bare Worker', 'bench/subjects/bare-worker.ts'),
      await stand.postern('Postern', issuer),
    ]
    const known = checkBytes(issuer.token())
    const [ours = [], bare = [], node = []] = await alternate(
      plan,
      subjects.map((subject) => () => perCpuSecond(subject, plan, () => known)),
    )
    const texts = { group: 'workers', unit: 'per CPU-second' }
    const what = 'warm JWT decision in workerd'
    const onNode = 'Postern on Node'
    // 1.5 times its processor time.
    print(figureOf({ ...texts, what, against: onNode, target: { atLeast: 0.67 } }, ours, node))
    print(figureOf({ ...texts, what, against: 'a Worker that decides nothing', target: null }, ours, bare))
    print(
      figureOf(
        { ...texts, what: 'a Worker that decides nothing', against: onNode, target: null },
        bare,
        node,
      ),
    )
  })
}

import cluster from 'node:cluster'
import { boundHeap } from './heap.ts'
import { Instance, type LoadedPolicy, openOutput, type ProcessOptions, startProblem } from './instance.ts'
import { inWords } from './log.ts'
import { HURRY, type Order, type Word } from './orders.ts'

/**
 * Milliseconds between the loss of the primary and the end of listening. The primary holds the listening sockets as
 * well, and connections that come when only it still does are lost: it has to let go first.
 */
const AFTER_THE_PRIMARY = 150

/**
 * Serves as one of several until the primary lets go of the channel or dies. The usual signals are the primary's
 * business, because terminals and supervisors send them to the whole group.
 * @param workers how many there are
 */
export async function runWorker(options: ProcessOptions, workers: number): Promise<never> {
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => {})
  boundHeap()
  const output = openOutput(true)
  const { policy, listening } = await whatToServe()
  const load = (text: string): LoadedPolicy => {
    const loaded = options.load(text)
    return loaded.ok ? { ...loaded, listening } : loaded
  }
  let current = policy
  try {
    const first = load(current)
    if (!first.ok) return await giveUp(first.problems)
    const instance = await Instance.open(first, options, output, {
      processes: workers,
      reported: true,
      reload: () => load(current),
    })
    const listen = await instance.start()
    process.on('message', (order: Order) => {
      if (order.order === 'reload') {
        current = order.policy
        instance.reload()
      } else if (order.order === 'report') {
        // The primary takes none for a worker that hangs, and goes on without it.
        instance.report().then(
          (report) => tell({ word: 'report', id: order.id, report }),
          (cause: unknown) => output.log.error('report_failed', { problem: inWords(cause) }),
        )
      }
    })
    const hurried = new Promise<void>((resolve) => process.on(HURRY, () => resolve()))
    const released = primaryGone()
    tell({ word: 'ready', listen })
    await released
    await Promise.race([instance.stop(), hurried])
  } catch (cause) {
    const problem = startProblem(cause)
    if (problem === null) throw cause
    return await giveUp(problem)
  }
  await output.flush()
  process.exit(0)
}

const tell = (word: Word): void => {
  if (process.connected) process.send?.(word, undefined, undefined, () => {})
}

/** The first order. Until somebody listens for orders, they wait. */
function whatToServe(): Promise<Order & { readonly order: 'serve' }> {
  return new Promise((resolve) => {
    process.once('message', (order: Order) => {
      if (order.order === 'serve') resolve(order)
    })
  })
}

/** Resolves when it is time to stop listening. A worker that does not serve yet just ends with the channel. */
function primaryGone(): Promise<void> {
  return new Promise((resolve) => {
    cluster.worker?.on('disconnect', () => {
      // Otherwise the module ends the process at once, with all checks that are under way.
      if (cluster.worker !== undefined) cluster.worker.exitedAfterDisconnect = true
      setTimeout(resolve, AFTER_THE_PRIMARY)
    })
  })
}

function giveUp(problems: string): Promise<never> {
  return new Promise(() => {
    const end = () => process.exit(1)
    if (process.connected)
      process.send?.({ word: 'failed', problems } satisfies Word, undefined, undefined, end)
    else end()
  })
}

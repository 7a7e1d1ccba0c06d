import { boundHeap } from './heap.ts'
import {
  Instance,
  type LoadedPolicy,
  loadFile,
  openOutput,
  type ProcessOptions,
  startProblem,
} from './instance.ts'
import { readyLine } from './ready-line.ts'
import { onStop } from './signals.ts'

/** Serves alone until a signal ends the process. @returns the exit code */
export async function runProcess(options: ProcessOptions): Promise<number> {
  boundHeap()
  const first = loadFile(options)
  if (!first.ok) {
    options.stderr(first.problems)
    return 1
  }
  try {
    await serve(first, options)
  } catch (cause) {
    const problem = startProblem(cause)
    if (problem === null) throw cause
    options.stderr(problem)
    return 1
  }
  // Whatever still has a timer (a key set that refreshes itself) has no say in it.
  process.exit(0)
}

async function serve(first: LoadedPolicy & { readonly ok: true }, options: ProcessOptions): Promise<void> {
  const output = openOutput(false)
  const instance = await Instance.open(first, options, output, {
    processes: 1,
    reported: false,
    reload: () => loadFile(options),
  })
  const stopped = onStop(output.log, () => instance.stop())
  process.on('SIGHUP', () => instance.reload())
  const listen = await instance.start()
  output.audit.write(readyLine({ listen, policy: options.policyFile }))
  await output.flush()
  await stopped
  await output.flush()
}

/** Preloaded into a subject that is to be profiled: starts and ends V8's sampling profiler when it is told to. */
import { Session } from 'node:inspector/promises'

/** Microseconds between two samples. */
const INTERVAL = 200

const session = new Session()

process.on('message', (message) => {
  if (message === 'profile') void start()
  if (message === 'profiled') void stop()
})

async function start(): Promise<void> {
  session.connect()
  await session.post('Profiler.enable')
  await session.post('Profiler.setSamplingInterval', { interval: INTERVAL })
  await session.post('Profiler.start')
  process.send?.({ profiling: true })
}

async function stop(): Promise<void> {
  const { profile } = await session.post('Profiler.stop')
  session.disconnect()
  process.send?.({ profile })
}

import type { ProcessLog } from './log.ts'

/**
 * Resolves when everything has been let go of after SIGTERM or SIGINT. A second one does not wait.
 * @param hurry what is left to do then
 */
export function onStop(
  log: ProcessLog,
  stop: () => Promise<void>,
  hurry = () => Promise.resolve(),
): Promise<void> {
  return new Promise((resolve) => {
    let stopping = false
    const heard = (signal: string): void => {
      if (stopping) {
        void hurry().then(resolve)
        return
      }
      stopping = true
      log.info('stopping', { signal })
      void stop().then(() => {
        log.info('stopped')
        resolve()
      })
    }
    process.on('SIGTERM', heard)
    process.on('SIGINT', heard)
  })
}

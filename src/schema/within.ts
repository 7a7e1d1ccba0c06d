export const LATE: unique symbol = Symbol('late')

/**
 * Waits for `promise`, but no longer than `milliseconds`. What is waited for goes on; the timer does not, so that
 * nothing is left behind that keeps a process alive.
 */
export function within<Value>(promise: Promise<Value>, milliseconds: number): Promise<Value | typeof LATE> {
  if (milliseconds <= 0) return Promise.resolve(LATE)
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => resolve(LATE), milliseconds)
    promise.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}

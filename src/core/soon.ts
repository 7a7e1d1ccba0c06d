/** A value that is there at once where nothing has to be waited for, which is nearly always; else a promise of it. */
export type Soon<T> = T | Promise<T>

/**
 * Goes on with a value as soon as it is known: in the same turn when it is there. A warm decision waits for nobody, and
 * the promises and timers of one that waits would cost as much as the decision itself.
 */
export function whenKnown<T, U>(value: Soon<T>, next: (value: T) => Soon<U>): Soon<U> {
  return value instanceof Promise ? value.then(next) : next(value)
}

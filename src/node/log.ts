import { pino } from 'pino'

/**
 * What happens to the process, for its operator: events, not decisions. Details never hold a secret.
 */
export interface ProcessLog {
  info(event: string, details?: Readonly<Record<string, unknown>>): void
  warn(event: string, details?: Readonly<Record<string, unknown>>): void
  error(event: string, details?: Readonly<Record<string, unknown>>): void
}

/** JSON lines with `time`, `level` and `event`. */
export function createProcessLog(destination: { write(line: string): void }): ProcessLog {
  const logger = pino(
    {
      base: null,
      messageKey: 'message',
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    destination,
  )
  return {
    info: (event, details = {}) => logger.info({ event, ...details }),
    warn: (event, details = {}) => logger.warn({ event, ...details }),
    error: (event, details = {}) => logger.error({ event, ...details }),
  }
}

/** An error in words, without the places in our source. */
export const inWords = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause))

/**
 * One JSON line per fact. `event` is a stable name for machines, `message` a sentence for people: what happened, to
 * what, what the recorder does about it. Repeats of one (event, subject) within a minute are folded into a count, so
 * that a broken link does not fill the disk with its own complaint.
 */
import type { Clock, MonoMs } from './clock.ts'
import { limits } from './limits.ts'

export type Level = 'debug' | 'info' | 'warn' | 'error'
export type Fields = Readonly<Record<string, unknown>>

export interface Logger {
  debug(event: string, message: string, fields?: Fields): void
  info(event: string, message: string, fields?: Fields): void
  warn(event: string, message: string, fields?: Fields): void
  error(event: string, message: string, fields?: Fields): void
  /** The same log, with these fields on every line. `subject` fields tell repeats apart. */
  with(fields: Fields): Logger
}

export interface LogSink {
  /** One complete line without its line feed. Must not throw. */
  write(line: string): void
}

interface Repeat {
  since: MonoMs
  folded: number
}

const order: Readonly<Record<Level, number>> = { debug: 0, info: 1, warn: 2, error: 3 }

export function createLogger(options: { sink: LogSink; clock: Clock; level?: Level }): Logger {
  const repeats = new Map<string, Repeat>()
  const least = order[options.level ?? 'info']

  function write(level: Level, event: string, message: string, fields: Fields): void {
    if (order[level] < least) return
    const now = options.clock.mono()
    const key = `${event}\u0000${String(fields.camera ?? fields.key ?? fields.input ?? '')}`
    const seen = repeats.get(key)
    if (level !== 'debug' && level !== 'info' && seen !== undefined && now - seen.since < limits.logFoldMs) {
      seen.folded += 1
      return
    }
    const folded = seen?.folded ?? 0
    repeats.delete(key)
    repeats.set(key, { since: now, folded: 0 })
    const oldest = repeats.size > limits.logFoldKeysMax ? repeats.keys().next().value : undefined
    if (oldest !== undefined) repeats.delete(oldest)
    const time = new Date(options.clock.wall()).toISOString()
    const line = { time, level, event, message, ...fields, ...(folded > 0 ? { repeatsBefore: folded } : {}) }
    options.sink.write(JSON.stringify(line, printable).slice(0, limits.logLineCharsMax))
  }

  function loggerWith(own: Fields): Logger {
    const at =
      (level: Level) =>
      (event: string, message: string, fields: Fields = {}): void =>
        write(level, event, message, { ...own, ...fields })
    return {
      debug: at('debug'),
      info: at('info'),
      warn: at('warn'),
      error: at('error'),
      with: (fields) => loggerWith({ ...own, ...fields }),
    }
  }
  return loggerWith({})
}

/** A logger that says nothing, for tests of other things. */
export const silentLogger: Logger = {
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
  with: () => silentLogger,
}

function printable(_key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return value.toString()
  if (value instanceof Error) return value.message
  if (value instanceof Uint8Array) return `(${value.length} bytes)`
  return value
}

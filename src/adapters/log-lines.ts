/** The log of the running recorder: on standard output, for the journal, and its last lines in memory, for the console. */
import type { LogSink } from '../base/log.ts'

export interface LogLines extends LogSink {
  /** The last lines, oldest first. */
  last(count: number): readonly string[]
}

/** Lines kept for `watchpost console` and its like: 200 of at most 4 KiB. */
const keptMax = 200

export function createLogLines(): LogLines {
  const kept: string[] = []
  // A journal that went away must not end the recorder.
  process.stdout.on('error', () => {})
  return {
    write(line) {
      kept.push(line)
      if (kept.length > keptMax) kept.shift()
      process.stdout.write(`${line}\n`)
    },
    last: (count) => kept.slice(-count),
  }
}

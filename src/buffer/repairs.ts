/**
 * What was found wrong when the buffer was opened, and what was done about it: each sentence goes into the log at once, and
 * into the next health report, since nobody reads the log of a recorder that works.
 */
import type { Logger } from '../base/log.ts'

export interface Repairs {
  /**
   * A sentence for people. `usual`: as after every power cut, no reason to look at the disk. `alarm`: it belongs in the
   * catalogue too.
   */
  note(event: string, sentence: string, weight?: 'usual' | 'alarm'): void
  sentences(): readonly string[]
  alarms(): readonly string[]
}

/** A disk full of damage repeats itself; the log has all of it. */
const sentencesMax = 16

export function createRepairs(log: Logger): Repairs {
  const found: string[] = []
  const alarms: string[] = []
  let more = 0
  return {
    note(event, sentence, weight) {
      if (weight === 'usual') log.info(event, sentence)
      else log.error(event, sentence)
      if (weight === 'alarm' && alarms.length < sentencesMax) alarms.push(sentence)
      if (found.length < sentencesMax) found.push(sentence)
      else more += 1
    },
    sentences: () => (more === 0 ? [...found] : [...found, `And ${more} more of this kind; the log has all of them.`]),
    alarms: () => alarms,
  }
}

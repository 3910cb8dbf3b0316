/**
 * When a report is due, by `node-cron`: it knows the patterns, the time zones and their summer times.
 *
 * It does not wait for us. Its own timer walks through every due time between the last one and now, all in one go: a
 * board without a clock that boots in 1970 and is set by NTP would be busy for minutes (an hourly pattern over one year
 * took 0.9 s on a fast machine) and the watchdog would end it. We ask for the next time only, and wait ourselves.
 */
import { createTask, validate } from 'node-cron'
import { assert } from '../base/assert.ts'
import { wallMs } from '../base/clock.ts'
import { err, ok, type Result } from '../base/result.ts'
import type { Schedule } from '../health/reporter.ts'

/** Whether node-cron takes it: a pattern of five or six fields that can ever come true (30 February cannot). */
export function isCronExpression(pattern: string): boolean {
  return createCronSchedule(pattern, 'UTC').ok
}

/**
 * @param timeZone of the IANA list; the pattern is read in it
 * @returns an error with a sentence for people if the pattern cannot be used
 */
export function createCronSchedule(pattern: string, timeZone: string): Result<Schedule, string> {
  if (!validate(pattern)) return err(`The schedule '${pattern}' is not one that node-cron knows.`)
  try {
    const task = createTask(pattern, () => {}, { timezone: timeZone })
    // It is never started, and node-cron would remember it for ever.
    void task.destroy()
    task.getNextRuns(1)
    return ok({
      next() {
        const [next] = task.getNextRuns(1)
        assert(next !== undefined, 'a pattern that was tried comes true again')
        return wallMs(next.getTime())
      },
    })
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    return err(`The schedule '${pattern}' never comes due: ${reason}.`)
  }
}

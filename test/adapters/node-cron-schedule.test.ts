import fc from 'fast-check'
import { getTasks } from 'node-cron'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { createCronSchedule, isCronExpression } from '../../src/adapters/node-cron-schedule.ts'
import { isCronPattern } from '../../src/config/cron-pattern.ts'

const nextOf = (pattern: string, timeZone: string): string => {
  const schedule = createCronSchedule(pattern, timeZone)
  if (!schedule.ok) throw new Error(schedule.error)
  return new Date(schedule.value.next()).toISOString()
}

describe('the schedule of node-cron', () => {
  beforeEach(() => {
    vi.useFakeTimers({ now: Date.UTC(2026, 2, 28, 22, 30, 15) })
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  test.each([
    ['0 * * * *', 'UTC', '2026-03-28T23:00:00.000Z'],
    ['*/20 * * * * *', 'UTC', '2026-03-28T22:30:20.000Z'],
    ['0 6 * * mon', 'Europe/Berlin', '2026-03-30T04:00:00.000Z'],
    ['0 7 * * *', 'Asia/Kolkata', '2026-03-29T01:30:00.000Z'],
    // 29 March 2026 has no 02:30 in Berlin.
    ['30 2 * * *', 'Europe/Berlin', '2026-03-30T00:30:00.000Z'],
  ])('%s in %s comes due at %s', (pattern, timeZone, due) => {
    expect(nextOf(pattern, timeZone)).toBe(due)
  })

  test('asked again later, it says the time after that', () => {
    const schedule = createCronSchedule('0 * * * *', 'UTC')
    if (!schedule.ok) throw new Error(schedule.error)
    vi.setSystemTime(schedule.value.next())
    expect(new Date(schedule.value.next()).toISOString()).toBe('2026-03-29T00:00:00.000Z')
    vi.setSystemTime(Date.UTC(2030, 0, 1, 0, 0, 1))
    expect(new Date(schedule.value.next()).toISOString()).toBe('2030-01-01T01:00:00.000Z')
  })

  test('leaves nothing behind in the memory of node-cron, and no timer', () => {
    const before = getTasks().size
    for (let i = 0; i < 50; i += 1) nextOf('0 * * * *', 'UTC')
    expect(getTasks().size).toBe(before)
    expect(vi.getTimerCount()).toBe(0)
  })
})

describe('a pattern', () => {
  test.each(['61 * * * *', '* * * *', 'every hour', '', '0 0 30 2 *'])('%s is refused with a sentence', (pattern) => {
    expect(isCronExpression(pattern)).toBe(false)
    const schedule = createCronSchedule(pattern, 'UTC')
    expect(schedule.ok ? '' : schedule.error).toMatch(/^The schedule '.*' .*\.$/)
  })

  test('that the settings accept is one that node-cron takes, but for days that no month has', () => {
    const part = (least: number, most: number) =>
      fc.oneof(
        fc.constant('*'),
        fc.integer({ min: least, max: most }).map(String),
        fc
          .tuple(fc.integer({ min: least, max: most }), fc.integer({ min: least, max: most }))
          .map(([a, b]) => `${Math.min(a, b)}-${Math.max(a, b)}`),
        fc.integer({ min: 1, max: most }).map((step) => `*/${step}`),
      )
    const pattern = fc
      .tuple(part(0, 59), part(0, 23), part(1, 28), part(1, 12), part(0, 7))
      .map((parts) => parts.join(' '))
    fc.assert(
      fc.property(pattern, (text) => {
        expect(isCronPattern(text)).toBe(true)
        expect([text, isCronExpression(text)]).toEqual([text, true])
      }),
      { seed: Number(process.env.SEED ?? 1), numRuns: 300 },
    )
  })
})

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isoOf } from '../../src/format/names.ts'
import { offsetMs, parseMoment, siteDay, siteTime } from '../../src/reader/site-time.ts'

const now = Date.UTC(2026, 10, 23, 15, 30)
const berlin = 'Europe/Berlin'

describe('a moment as people type it', () => {
  test.each([
    ['-10m', '2026-11-23T15:20:00.000Z'],
    ['-90s', '2026-11-23T15:28:30.000Z'],
    ['-2h', '2026-11-23T13:30:00.000Z'],
    ['-30d', '2026-10-24T15:30:00.000Z'],
    ['now', '2026-11-23T15:30:00.000Z'],
    ['16:05', '2026-11-23T15:05:00.000Z'],
    ['7:05:30', '2026-11-23T06:05:30.000Z'],
    ['2026-11-23', '2026-11-22T23:00:00.000Z'],
    ['2026-11-23 16:05', '2026-11-23T15:05:00.000Z'],
    ['2026-07-01T12:00', '2026-07-01T10:00:00.000Z'],
    // The clocks go forward at 02:00.
    ['2026-03-29 01:30', '2026-03-29T00:30:00.000Z'],
    ['2026-03-29 03:30', '2026-03-29T01:30:00.000Z'],
    ['2026-11-23T15:00:00Z', '2026-11-23T15:00:00.000Z'],
    ['2026-11-23T15:00:00.120Z', '2026-11-23T15:00:00.120Z'],
    ['2026-11-23 15:00:00 +03:00', '2026-11-23T12:00:00.000Z'],
  ])('%s', (text, iso) => {
    const moment = parseMoment(text, berlin, now)
    expect(moment.ok && isoOf(moment.value)).toBe(iso)
  })

  test.each(['', 'yesterday', '25:00', '12:61', '2026-02-30', '2026-13-01', '-5', '-5y', '12', '2026-11-23T15:00:00X'])(
    'refuses %j with examples of what is meant',
    (text) => {
      const moment = parseMoment(text, berlin, now)
      expect(moment.ok).toBe(false)
      if (!moment.ok) expect(moment.error).toContain('Say for example -10m')
    },
  )
})

describe("the site's time", () => {
  test('has its offset written out, since one hour of a year comes twice', () => {
    expect(siteTime(Date.UTC(2026, 9, 25, 0, 30), berlin)).toBe('2026-10-25 02:30:00 +02:00')
    expect(siteTime(Date.UTC(2026, 9, 25, 1, 30), berlin)).toBe('2026-10-25 02:30:00 +01:00')
    expect(siteTime(Date.UTC(2026, 0, 1), 'Asia/Kolkata')).toBe('2026-01-01 05:30:00 +05:30')
    expect(siteTime(Date.UTC(2026, 0, 1), 'America/St_Johns')).toBe('2025-12-31 20:30:00 -03:30')
  })

  test('read back is the same moment, in any zone', () => {
    const zones = ['UTC', berlin, 'Asia/Kolkata', 'America/New_York', 'Pacific/Apia', 'Australia/Lord_Howe']
    fc.assert(
      fc.property(fc.integer({ min: 1e9, max: 4e9 }), fc.constantFrom(...zones), (seconds, zone) => {
        const moment = parseMoment(siteTime(seconds * 1000, zone), zone, now)
        expect(moment).toEqual({ ok: true, value: seconds * 1000 })
        expect(siteDay(seconds * 1000, zone)).toBe(siteTime(seconds * 1000, zone).slice(0, 10))
        expect(Math.abs(offsetMs(seconds * 1000, zone))).toBeLessThan(15 * 3_600_000)
      }),
      { numRuns: 200 },
    )
  })
})

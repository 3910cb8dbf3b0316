import { describe, expect, test } from 'vitest'
import { type Clock, monoMs, wallMs } from '../../src/base/clock.ts'
import { seededRandom } from '../../src/base/random.ts'
import { createTimeCorrection, type Offset } from '../../src/uplink/time-correction.ts'

/** The truth: wall = mono + this. */
const truth = Date.UTC(2026, 10, 23, 15)

function setUp(systemErrorMs = 0): {
  clock: Clock
  set(mono: number): void
  reports: [Offset, number | undefined][]
} & {
  time: ReturnType<typeof createTimeCorrection>
} {
  let mono = 1_000
  const clock: Clock = {
    wall: () => wallMs(mono + truth + systemErrorMs),
    mono: () => monoMs(mono),
    sleep: async () => {},
  }
  const reports: [Offset, number | undefined][] = []
  const time = createTimeCorrection(clock, (offset, before) => reports.push([offset, before]))
  return { clock, time, reports, set: (ms) => (mono = ms) }
}

/** What a store with the right time answers: whole seconds, between sending and hearing. */
const answer = (
  sent: number,
  rtt: number,
  skew = 0,
): Parameters<ReturnType<typeof createTimeCorrection>['heard']>[0] => ({
  sentAt: monoMs(sent),
  heardAt: monoMs(sent + rtt),
  shownMs: Math.floor((truth + skew + sent + rtt / 2) / 1000) * 1000,
  grainMs: 1000,
})

describe('time correction', () => {
  test('knows nothing before the first witness', () => {
    const { time } = setUp(-50 * 365 * 86_400_000)
    expect(time.at(monoMs(5))).toBeUndefined()
    expect(time.signingSkewMs()).toBe(0)
  })

  test('the truth is always within the error, and the error shrinks', () => {
    for (let seed = 1; seed <= 50; seed += 1) {
      const random = seededRandom(seed)
      const { time } = setUp()
      let sent = 5_000
      for (let i = 0; i < 60; i += 1) {
        sent += Math.floor(random.fraction() * 20_000)
        time.heard(answer(sent, 10 + Math.floor(random.fraction() * 800)))
        const found = time.at(monoMs(sent))
        expect(Math.abs((found?.wallMs ?? 0) - (truth + sent))).toBeLessThanOrEqual((found?.errorMs ?? 0) + 1e-6)
      }
      expect(time.offset()?.errorMs).toBeLessThan(400)
    }
  })

  test('a board that boots in 1970 signs with the right time after one answer', () => {
    const { time, clock } = setUp(-truth)
    time.heard(answer(900, 100))
    expect(Math.abs(clock.wall() + time.signingSkewMs() - (truth + 1_000))).toBeLessThan(1_200)
  })

  test('a date of 1970 is no witness', () => {
    const { time } = setUp()
    time.heard({ sentAt: monoMs(0), heardAt: monoMs(50), shownMs: 10_000, grainMs: 1000 })
    expect(time.offset()).toBeUndefined()
  })

  test('one stray answer moves nothing; two that agree do, and are reported', () => {
    const { time, reports } = setUp()
    time.heard(answer(1_000, 20))
    const before = time.offset()
    time.heard(answer(2_000, 20, 3_600_000))
    expect(time.offset()).toEqual(before)
    time.heard(answer(3_000, 20))
    time.heard(answer(4_000, 20, 3_600_000))
    time.heard(answer(5_000, 20, 3_600_000))
    expect(Math.abs((time.offset()?.ms ?? 0) - truth - 3_600_000)).toBeLessThan(1_100)
    expect(reports.length).toBe(2)
    expect(reports[0]?.[1]).toBeUndefined()
    expect(reports[1]?.[1]).toBe(reports[0]?.[0].ms)
  })

  test('a refusal for clock skew is believed at once', () => {
    const { time } = setUp()
    time.heard(answer(1_000, 20))
    time.heard({ ...answer(2_000, 20, 7_200_000), decisive: true })
    expect(Math.abs((time.offset()?.ms ?? 0) - truth - 7_200_000)).toBeLessThan(1_100)
  })

  test('a clock kept by NTP is a witness, small corrections are not reported', () => {
    const { time, reports } = setUp(30)
    time.systemClockIsRight(50)
    expect(time.offset()).toEqual({ ms: truth + 30, errorMs: 50 })
    time.heard(answer(1_000, 20))
    expect(reports.length).toBe(1)
  })

  test('knowledge ages by what a crystal drifts', () => {
    const { time } = setUp()
    time.systemClockIsRight(10)
    expect(time.at(monoMs(1_000 + 86_400_000))?.errorMs).toBeCloseTo(10 + 8_640)
  })
})

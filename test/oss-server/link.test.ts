import { describe, expect, test } from 'vitest'
import { Link } from '../../src/oss-server/link.ts'

describe('a slow line', () => {
  /** Time passes only in sleep, which oversleeps by `lateMs`. */
  function line(bytesPerS: number, lateMs: number) {
    const time = { ms: 0 }
    const clock = {
      now: () => time.ms,
      sleep: async (ms: number) => {
        time.ms += ms + lateMs
      },
    }
    return { time, link: new Link(bytesPerS, clock) }
  }

  test('carries its rate, however late the sleepers wake', async () => {
    for (const lateMs of [0, 1, 5, 15]) {
      const { time, link } = line(12_500_000, lateMs)
      for (let piece = 0; piece < 1000; piece += 1) await link.cross(65_536, piece === 0)
      const rate = (1000 * 65_536) / (time.ms / 1000)
      expect(rate / 12_500_000).toBeGreaterThan(0.98)
      expect(rate / 12_500_000).toBeLessThan(1.02)
    }
  })

  test('counts what the last sleeper overslept as its own, not as idleness of the wire', async () => {
    const { time, link } = line(1_000_000, 3)
    for (let body = 0; body < 100; body += 1) await link.cross(20_000, true)
    expect(time.ms).toBeCloseTo(2003)
  })

  test('saves nothing up while it idles', async () => {
    const { time, link } = line(1_000_000, 0)
    await link.cross(100_000, true)
    time.ms += 60_000
    const before = time.ms
    await link.cross(50_000, true)
    await link.cross(50_000, false)
    expect(time.ms - before).toBe(100)
  })

  test('is shared by those who use it together', async () => {
    const { time, link } = line(1_000_000, 0)
    for (let piece = 0; piece < 10; piece += 1) {
      await link.cross(10_000, piece === 0)
      await link.cross(10_000, piece === 0)
    }
    expect(time.ms).toBeCloseTo(200)
  })
})

import { describe, expect, test } from 'vitest'
import { limits } from '../../src/base/limits.ts'
import { createLinkRate } from '../../src/uplink/link-rate.ts'
import { createHandClock } from '../support/hand-clock.ts'

describe('the size of a body', () => {
  const appended = async (bytesPerS: number, count: number, capBytesPerS?: number): Promise<number> => {
    const clock = createHandClock()
    const rate = createLinkRate(clock, capBytesPerS)
    for (let n = 0; n < count; n += 1) {
      const since = clock.mono()
      await clock.advance((rate.bodyBytesMax() / bytesPerS) * 1000)
      rate.sent(rate.bodyBytesMax(), since)
    }
    return rate.bodyBytesMax()
  }

  test.each([
    ['a slow link: two seconds of it', 100_000, 200_000],
    ['a fast link: 4 MiB', 12_500_000, limits.appendBytesMax],
    ['a very slow link: no less than a small unit', 5_000, 64 * 1024],
  ])('%s', async (_name, bytesPerS, bytes) => {
    expect(Math.abs((await appended(bytesPerS, 30)) - bytes)).toBeLessThanOrEqual(bytes * 0.02)
  })

  test('begins small, doubles at most from one to the next, and a failure halves it', async () => {
    expect(await appended(1e9, 0)).toBe(256 * 1024)
    expect(await appended(1e9, 1)).toBe(512 * 1024)
    const clock = createHandClock()
    const rate = createLinkRate(clock, undefined)
    rate.failed()
    expect(rate.bodyBytesMax()).toBe(128 * 1024)
    for (let n = 0; n < 9; n += 1) rate.failed()
    expect(rate.bodyBytesMax()).toBe(64 * 1024)
  })

  test('follows a link that gets slower within ten bodies', async () => {
    const clock = createHandClock()
    const rate = createLinkRate(clock, undefined)
    for (const bytesPerS of [...Array(20).fill(10e6), ...Array(10).fill(200_000)] as number[]) {
      const since = clock.mono()
      await clock.advance((1e6 / bytesPerS) * 1000)
      rate.sent(1e6, since)
    }
    expect(rate.bodyBytesMax()).toBeLessThan(3_000_000)
  })

  test('keeps to the cap of the settings', async () => {
    expect(await appended(10e6, 30, 125_000)).toBe(250_000)
  })
})

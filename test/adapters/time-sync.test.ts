import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { watchTimeSync } from '../../src/adapters/time-sync.ts'
import { createTimeCorrection } from '../../src/uplink/time-correction.ts'
import { createHandClock, type HandClock } from '../support/hand-clock.ts'

const directory = mkdtempSync(join(tmpdir(), 'watchpost-sync-'))
const file = join(directory, 'synchronized')
afterEach(() => rmSync(file, { force: true }))

/** Looks `looks` times. */
async function watch(clock: HandClock, looks: number): Promise<number[]> {
  const errors: number[] = []
  const stop = new AbortController()
  const running = watchTimeSync({ clock, file, isRight: (errorMs) => errors.push(errorMs) }, stop.signal)
  for (let n = 1; n < looks; n += 1) {
    while (clock.sleepers() === 0) await new Promise((resolve) => setImmediate(resolve))
    await clock.advance(60_000)
  }
  while (clock.sleepers() === 0) await new Promise((resolve) => setImmediate(resolve))
  stop.abort()
  await running
  return errors
}

const touch = (clock: HandClock, ageMs: number): void => {
  writeFileSync(file, '')
  utimesSync(file, new Date(), new Date(clock.wall() - ageMs))
}

test('says nothing where nobody keeps the clock', async () => {
  expect(await watch(createHandClock(), 3)).toEqual([])
})

test('says how well the clock is known, less so with age, and nothing once the last answer is too old', async () => {
  const clock = createHandClock()
  touch(clock, 10_000)
  const errors = await watch(clock, 90)
  expect(errors.length).toBe(70)
  expect(errors[0]).toBeCloseTo(251, 0)
  expect(errors.at(-1)).toBeGreaterThan(errors[0] ?? 0)
  touch(clock, -60_000)
  expect((await watch(clock, 1)).length).toBe(0)
})

test('is a witness: the time is known before the store has answered', async () => {
  const clock = createHandClock()
  const time = createTimeCorrection(clock)
  touch(clock, 0)
  const stop = new AbortController()
  const running = watchTimeSync({ clock, file, isRight: time.systemClockIsRight }, stop.signal)
  while (clock.sleepers() === 0) await new Promise((resolve) => setImmediate(resolve))
  expect(time.at(clock.mono())).toMatchObject({ wallMs: clock.wall() })
  stop.abort()
  await running
})

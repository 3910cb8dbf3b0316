/** A network that stays away while ten times the quota is recorded: what goes, what stays, and what is said of it. */
import { expect, test } from 'vitest'
import { gate, unitAt, video } from './footage.ts'
import { at, createStage, gapsOf, pass, pendingOf, videoHeld } from './stage.ts'

const quotaBytes = 60_000
const unitBytes = 900
const seconds = Math.ceil((10 * quotaBytes) / unitBytes)

/** @param eventEveryS seconds from the start of one event to that of the next; each lasts 8 s, with 3 s before it */
async function recordOffline(eventEveryS: number, spillAfterMs: number) {
  const stage = createStage({ quotaBytes, memory: { spillAfterMs } })
  const buffer = await stage.open()
  const start = stage.clock.mono()
  const events: number[] = []
  buffer.begin(gate, { startMonoMs: start, video })
  for (let second = 0; second < seconds; second += 1) {
    const now = start + second * 1000
    if (buffer.open(gate) === undefined) buffer.begin(gate, { startMonoMs: now, video })
    buffer.put(gate, unitAt(now, unitBytes))
    if (second % eventEveryS === eventEveryS - 1) events.push(now)
    const running = events.find((from) => now >= from && now <= from + 8_000)
    if (running !== undefined) buffer.protect(gate, running - 3_000, now + 1_000)
    await pass(stage, 1000)
  }
  const held = new Set(videoHeld(buffer).flatMap((id) => pendingOf(buffer, id).map(({ seq }) => seq)))
  return { stage, buffer, events, held, start, gaps: await gapsOf(buffer) }
}

/** Numbers of the units that an event needs; they are as many as seconds had passed. */
const unitsOf = (eventMs: number, start: number): number[] =>
  Array.from({ length: 12 }, (_, i) => Math.round((eventMs - start) / 1000) - 3 + i)

// Written through, what came before an event is on the disk among other footage when the event begins.
test.each([5_000, 0])(
  'a backlog of ten times the quota (spilled after %i ms): recording never pauses, every event that fits stays, every gap has a name',
  async (spillAfterMs) => {
    const { stage, buffer, events, held, start, gaps } = await recordOffline(180, spillAfterMs)
    expect(events.length * 12 * unitBytes).toBeLessThan(quotaBytes * 0.6)
    for (const event of events) {
      for (const seq of unitsOf(event, start)) {
        if (seq < seconds) expect(held.has(seq), `unit ${seq} of the event at ${event}`).toBe(true)
      }
    }
    const missing = Array.from({ length: seconds }, (_, seq) => seq).filter((seq) => !held.has(seq))
    expect(missing.length).toBeGreaterThan(seconds * 0.8)
    const named = gaps.flatMap(({ fromMonoMs, units }) =>
      Array.from({ length: units }, (_, i) => Math.round((fromMonoMs - start) / 1000) + i),
    )
    expect(named.sort((a, b) => a - b)).toEqual(missing)
    expect(gaps.every(({ cause }) => cause === 'evicted')).toBe(true)
    // The newest footage is there too: the quota is not eaten up by old events.
    expect(held.has(seconds - 1)).toBe(true)
    expect(stage.disk.usedBytes()).toBeLessThanOrEqual(quotaBytes + 4_000)
    expect(stage.fatal).toEqual([])
    await buffer.close()
  },
)

test('events that do not fit go as well, the oldest first, and only when no other footage is left', async () => {
  const { buffer, events, held, start, gaps, stage } = await recordOffline(14, 5_000)
  const whole = events.filter((event) => unitsOf(event, start).every((seq) => seq >= seconds || held.has(seq)))
  expect(whole.length).toBeGreaterThan(2)
  expect(whole.length).toBeLessThan(events.length)
  // None older than one that went is whole.
  expect(whole).toEqual(events.slice(-whole.length))
  const lost = gaps.reduce((sum, { units }) => sum + units, 0)
  expect(lost + held.size).toBe(seconds)
  expect(at([...held], -1)).toBe(seconds - 1)
  expect(stage.disk.usedBytes()).toBeLessThanOrEqual(quotaBytes + 4_000)
  await buffer.close()
})

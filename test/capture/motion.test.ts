import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { monoMs } from '../../src/base/clock.ts'
import {
  dueInMs,
  isRestless,
  type MotionEvent,
  type MotionState,
  motionOpened,
  onClosed,
  onLevel,
  onTime,
} from '../../src/capture/motion.ts'

const debounceMs = 50

/** Plays reports (time, active) and then time, and returns what happened. */
function play(opened: boolean, reports: readonly (readonly [number, boolean])[], end: number, debounce = debounceMs) {
  let state: MotionState = motionOpened(opened, monoMs(0))
  const events: MotionEvent[] = []
  const take = (step: { state: MotionState; event: MotionEvent | undefined }): void => {
    state = step.state
    if (step.event !== undefined) events.push(step.event)
  }
  for (const [at, active] of reports) for (const step of onLevel(state, active, monoMs(at), debounce)) take(step)
  take(onTime(state, monoMs(end), debounce))
  return { state, events }
}

describe('motion', () => {
  test('an event starts when the level began that lasted, and ends likewise', () => {
    const { events } = play(
      false,
      [
        [100, true],
        [1000, false],
      ],
      2000,
    )
    expect(events).toEqual([
      { kind: 'start', at: 100, seen: true },
      { kind: 'end', at: 1000, startedAt: 100, cause: 'level' },
    ])
  })

  test('a level that is shorter than the debounce time does not count', () => {
    expect(
      play(
        false,
        [
          [100, true],
          [149, false],
        ],
        2000,
      ).events,
    ).toEqual([])
    expect(
      play(
        false,
        [
          [100, true],
          [150, false],
        ],
        2000,
      ).events,
    ).toHaveLength(2)
  })

  test('a bouncing contact is one event, from its last bounce', () => {
    const bounces = [0, 5, 9, 14, 20].map((at, i) => [100 + at, i % 2 === 0] as const)
    expect(play(false, bounces, 2000).events).toEqual([{ kind: 'start', at: 120, seen: true }])
  })

  test('edges that merged report the same level twice: no second event, and the wait begins anew', () => {
    const twice = play(
      false,
      [
        [100, true],
        [140, true],
      ],
      189,
    )
    expect(twice.events).toEqual([])
    expect(
      play(
        false,
        [
          [100, true],
          [140, true],
        ],
        190,
      ).events,
    ).toEqual([{ kind: 'start', at: 140, seen: true }])
    expect(
      play(
        false,
        [
          [100, true],
          [300, true],
          [400, true],
        ],
        500,
      ).events,
    ).toHaveLength(1)
  })

  test('an input that is active when watching begins starts an event whose true start was not seen', () => {
    expect(play(true, [], 50).events).toEqual([{ kind: 'start', at: 0, seen: false }])
    expect(
      play(
        true,
        [
          [10, false],
          [20, true],
        ],
        100,
      ).events,
    ).toEqual([{ kind: 'start', at: 20, seen: true }])
  })

  test('a running event is ended when watching ends, and only a running one', () => {
    const { state } = play(false, [[100, true]], 200)
    expect(onClosed(state, monoMs(250), 'lost')).toEqual({ kind: 'end', at: 250, startedAt: 100, cause: 'lost' })
    expect(onClosed(play(false, [], 200).state, monoMs(250), 'stopped')).toBeUndefined()
  })

  test('without debounce every edge counts at once', () => {
    const { events } = play(
      false,
      [
        [1, true],
        [2, false],
        [3, true],
      ],
      3,
      0,
    )
    expect(events.map(({ kind }) => kind)).toEqual(['start', 'end', 'start'])
  })

  test('says how long to wait', () => {
    const { state } = play(false, [[100, true]], 120)
    expect(dueInMs(state, monoMs(120), debounceMs)).toBe(30)
    expect(dueInMs(play(false, [[100, true]], 200).state, monoMs(200), debounceMs)).toBeUndefined()
  })

  test('a line that never rests is restless, one that rests for the debounce time is not', () => {
    const chatter = Array.from({ length: 400 }, (_, i) => [100 + 30 * i, i % 2 === 0] as const)
    const { state } = play(false, chatter, 100 + 30 * 400)
    expect(isRestless(state, monoMs(100 + 30 * 400), 10_000)).toBe(true)
    const rested = onTime(state, monoMs(100 + 30 * 400 + 60), debounceMs).state
    expect(isRestless(rested, monoMs(100 + 30 * 400 + 60), 10_000)).toBe(false)
  })

  test('events alternate, do not overlap, and are what a debouncer with hindsight would say', () => {
    const gaps = fc.array(fc.integer({ min: 1, max: 120 }), { maxLength: 60 })
    fc.assert(
      fc.property(gaps, fc.integer({ min: 0, max: 100 }), fc.boolean(), (lengths, debounce, first) => {
        // Alternating levels with these lengths; the last one lasts.
        const edges: (readonly [number, boolean])[] = []
        let at = 0
        let level = first
        for (const length of lengths) {
          at += length
          level = !level
          edges.push([at, level])
        }
        const end = at + 1000
        const { events } = play(first, edges, end, debounce)

        const all = [[0, first] as const, ...edges]
        const lasting = all.filter(([from], i) => (all[i + 1]?.[0] ?? end) - from >= debounce)
        const expected: (readonly [string, number])[] = []
        let settled = false
        for (const [from, active] of lasting) {
          if (active === settled) continue
          settled = active
          expected.push([active ? 'start' : 'end', from])
        }
        expect(events.map(({ kind, at: when }) => [kind, when])).toEqual(expected)
      }),
      { seed: Number(process.env.SEED ?? 1), numRuns: 300 },
    )
  })
})

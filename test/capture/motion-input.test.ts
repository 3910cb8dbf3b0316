import { describe, expect, test } from 'vitest'
import { type WallTime, wallMs } from '../../src/base/clock.ts'
import { createLogger } from '../../src/base/log.ts'
import { createInput, type InputOptions, inputTurnMsMax } from '../../src/capture/input-loop.ts'
import { parseEventLine } from '../../src/format/event-record.ts'
import { createFakeLines } from '../support/fake-lines.ts'
import { createHandClock, settle } from '../support/hand-clock.ts'

const gate: InputOptions = {
  name: 'pir-gate',
  chip: 'pinctrl-rp1',
  line: 17,
  kind: 'motion',
  activeLow: false,
  debounceMs: 50,
  cameras: ['gate'],
  bootCounter: 7,
}

async function bench(options: Partial<InputOptions> = {}, wallTime?: WallTime) {
  const clock = createHandClock({ mono: 1000.25 })
  const line = createFakeLines(clock, options.activeLow === true ? 1 : 0)
  const written: string[] = []
  const logged: string[] = []
  const kept: unknown[] = []
  let turns = 0
  const stop = new AbortController()
  const input = createInput(
    {
      lines: line.lines,
      clock,
      wallTime: wallTime ?? { at: (moment) => ({ wallMs: wallMs(1_795_000_000_000 + moment), errorMs: 12.5 }) },
      random: { fraction: () => 0.5, hex: () => '' },
      log: createLogger({ clock, sink: { write: (text) => logged.push(text) } }),
      beat: {
        turned() {
          turns += 1
        },
      },
      write: (text) => written.push(text),
      protect: (cameras, from, to) => kept.push([...cameras, from, to]),
    },
    { ...gate, ...options },
  )
  const done = input.run(stop.signal)
  await settle()
  return {
    clock,
    line,
    input,
    logged,
    written,
    kept,
    records: () => written.map((text) => parseEventLine(text)),
    turns: () => turns,
    async end() {
      stop.abort()
      await done
    },
  }
}

describe('an input', () => {
  test('protects ten seconds before an event, all of it, and twenty after', async () => {
    const b = await bench()
    await b.clock.advance(30_000)
    expect(b.kept).toEqual([])
    const start = b.clock.mono()
    b.line.set(1)
    await b.clock.advance(50)
    expect(b.kept[0]).toEqual(['gate', start - 10_000, start + 50 + 20_000])
    await b.clock.advance(60_000)
    const lasting = b.kept.at(-1) as [string, number, number]
    expect(lasting[1]).toBe(start - 10_000)
    expect(lasting[2]).toBeGreaterThan(start + 60_000 + 10_000)
    const end = b.clock.mono()
    b.line.set(0)
    await b.clock.advance(50)
    expect(b.kept.at(-1)).toEqual(['gate', start - 10_000, end + 20_000])
    const calls = b.kept.length
    await b.clock.advance(60_000)
    expect(b.kept).toHaveLength(calls)
    await b.end()
  })

  test('writes the start at once and the end when it is over, joined by their id', async () => {
    const b = await bench()
    b.line.set(1)
    await b.clock.advance(49)
    expect(b.written).toEqual([])
    await b.clock.advance(1)
    expect(b.records()).toEqual([
      {
        v: 1,
        kind: 'start',
        id: 'b7-pir-gate-1000250',
        bootCounter: 7,
        input: 'pir-gate',
        sense: 'motion',
        cameras: ['gate'],
        time: new Date(1_795_000_001_000).toISOString(),
        timeErrorMs: 13,
        monoMs: 1000.25,
        seen: true,
      },
    ])
    expect(b.input.status()).toEqual({ name: 'pir-gate', active: true, problem: null, events: 1 })
    await b.clock.advance(950)
    b.line.set(0)
    await b.clock.advance(60)
    expect(b.records()[1]).toMatchObject({ kind: 'end', id: 'b7-pir-gate-1000250', durationMs: 1000, cause: 'level' })
    await b.end()
  })

  test('has null times while the boot does not know the time, and the monotonic time always', async () => {
    const b = await bench({}, { at: () => undefined })
    b.line.set(1)
    await b.clock.advance(60)
    expect(b.records()[0]).toMatchObject({ time: null, timeErrorMs: null, monoMs: 1000.25 })
    await b.end()
  })

  test('with activeLow a low level is the event', async () => {
    const b = await bench({ activeLow: true })
    await b.clock.advance(1000)
    expect(b.written).toEqual([])
    b.line.set(0)
    await b.clock.advance(60)
    expect(b.records()[0]).toMatchObject({ kind: 'start' })
    await b.end()
  })

  test('a lost report is made good by looking', async () => {
    const b = await bench()
    b.line.set(1)
    await b.clock.advance(60)
    b.line.setUnreported(0)
    await b.clock.advance(6_000)
    expect(b.records()[1]).toMatchObject({ kind: 'end', cause: 'level' })
    await b.end()
  })

  test('an orderly stop ends the running event and gives the line back', async () => {
    const b = await bench()
    b.line.set(1)
    await b.clock.advance(60)
    await b.end()
    expect(b.records()[1]).toMatchObject({ kind: 'end', cause: 'stopped' })
    expect(b.line.isOpen()).toBe(false)
  })

  test('a line that is refused is tried again after 10 s, then more rarely, with a sentence', async () => {
    const b = await bench()
    b.line.refuse({ kind: 'no-chip', chips: ['pinctrl-bcm2711', 'raspberrypi-exp-gpio'] })
    b.line.lose('ENODEV')
    await settle()
    expect(b.input.status().problem).toContain('ENODEV')
    await b.clock.advance(10_000)
    expect(b.line.openings()).toBe(2)
    expect(b.input.status()).toEqual({
      name: 'pir-gate',
      active: null,
      events: 0,
      problem:
        'Input pir-gate is not watched: no GPIO chip has the label pinctrl-rp1. Set its "chip" to one of those there are: ' +
        'pinctrl-bcm2711, raspberrypi-exp-gpio. It is tried again; recording goes on.',
    })
    await b.clock.advance(600_000)
    expect(b.line.openings()).toBeGreaterThan(10)
    expect(b.line.openings()).toBeLessThan(30)
    b.line.refuse(undefined)
    await b.clock.advance(60_000)
    expect(b.input.status().problem).toBeNull()
    b.line.set(1)
    await b.clock.advance(60)
    expect(b.records()).toHaveLength(1)
    await b.end()
  })

  test('a line that is lost ends its event; one that comes back active begins another, unseen', async () => {
    const b = await bench()
    b.line.set(1)
    await b.clock.advance(1_000)
    b.line.lose('ENODEV')
    await settle()
    expect(b.records()[1]).toMatchObject({ kind: 'end', cause: 'lost' })
    await b.clock.advance(10_100)
    expect(b.records()[2]).toMatchObject({ kind: 'start', seen: false })
    expect(new Set(b.records().map((record) => record?.id)).size).toBe(2)
    await b.end()
  })

  test('a line that never rests is a problem until it does', async () => {
    const b = await bench()
    for (let i = 0; i < 1200; i += 1) {
      b.line.set(i % 2 === 0 ? 1 : 0)
      await b.clock.advance(10)
    }
    expect(b.input.status().problem).toContain('faster than its debounce of 50 ms')
    expect(b.logged.filter((text) => text.includes('input-restless'))).toHaveLength(1)
    await b.clock.advance(6_000)
    expect(b.input.status().problem).toBeNull()
    await b.end()
  })

  test('its loop turns within its limit, whether the line is there or not', async () => {
    for (const refused of [false, true]) {
      const b = await bench()
      if (refused) b.line.refuse({ kind: 'busy' })
      if (refused) b.line.lose('EIO')
      for (let i = 0; i < 10; i += 1) {
        const before = b.turns()
        await b.clock.advance(inputTurnMsMax)
        expect(b.turns()).toBeGreaterThan(before)
      }
      await b.end()
    }
  })
})

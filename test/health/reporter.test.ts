import { describe, expect, test } from 'vitest'
import { wallMs } from '../../src/base/clock.ts'
import { silentLogger } from '../../src/base/log.ts'
import { parseReportLine } from '../../src/format/report-record.ts'
import { reporterTurnMsMax, runReporter } from '../../src/health/reporter.ts'
import { createHandClock, settle } from '../support/hand-clock.ts'
import { goodMachine, goodStatus } from '../support/health.ts'

const hourMs = 3_600_000
const start = Date.UTC(2026, 10, 23, 15, 10)

async function bench(look = async () => goodMachine) {
  const clock = createHandClock({ mono: 0, wall: start })
  const written: string[] = []
  let turns = 0
  const stop = new AbortController()
  const done = runReporter(
    {
      // Every full hour, as the schedule of the settings says by default.
      schedule: { next: () => wallMs((Math.floor(clock.wall() / hourMs) + 1) * hourMs) },
      probes: { look },
      clock,
      log: silentLogger,
      beat: {
        turned() {
          turns += 1
        },
      },
      status: () => ({ ...goodStatus, time: new Date(clock.wall()).toISOString(), processUptimeMs: clock.mono() }),
      write: (line) => written.push(line),
    },
    stop.signal,
  )
  await settle()
  return {
    clock,
    turns: () => turns,
    reports: () => written.map((line) => parseReportLine(line)),
    async end() {
      stop.abort()
      await done
    },
  }
}

describe('the reporter', () => {
  test('reports a minute after the start, then when the schedule says', async () => {
    const b = await bench()
    await b.clock.advance(60_000)
    expect(b.reports()).toMatchObject([{ reason: 'start', time: '2026-11-23T15:11:00.000Z' }])
    await b.clock.advance(3 * hourMs)
    expect(b.reports().map((report) => [report?.reason, report?.time, report?.late])).toEqual([
      ['start', '2026-11-23T15:11:00.000Z', false],
      ['schedule', '2026-11-23T16:00:00.000Z', false],
      ['schedule', '2026-11-23T17:00:00.000Z', false],
      ['schedule', '2026-11-23T18:00:00.000Z', false],
    ])
    expect(b.reports()[2]).toMatchObject({ intervalMs: hourMs })
    await b.end()
  })

  test('a clock that jumps over many due times makes one report, marked late, and then goes on', async () => {
    const b = await bench()
    await b.clock.advance(120_000)
    b.clock.stepWall(56 * 365 * 24 * hourMs)
    await b.clock.advance(60_000)
    expect(b.reports()).toMatchObject([{ late: false }, { reason: 'schedule', late: true }])
    await b.clock.advance(hourMs)
    expect(b.reports()).toHaveLength(3)
    expect(b.reports()[2]).toMatchObject({ late: false })
    await b.end()
  })

  test('a clock that goes back waits for the next due time of the new one', async () => {
    const b = await bench()
    await b.clock.advance(120_000)
    b.clock.stepWall(-24 * hourMs)
    await b.clock.advance(hourMs)
    expect(b.reports().map((report) => report?.time)).toEqual(['2026-11-23T15:11:00.000Z', '2026-11-22T16:00:00.000Z'])
    await b.end()
  })

  test('never makes two at once, and its loop turns while it waits', async () => {
    let looking = 0
    let most = 0
    const b = await bench(async () => {
      looking += 1
      most = Math.max(most, looking)
      await Promise.resolve()
      looking -= 1
      return goodMachine
    })
    for (let i = 0; i < 60; i += 1) {
      const before = b.turns()
      await b.clock.advance(reporterTurnMsMax)
      expect(b.turns()).toBeGreaterThan(before)
    }
    expect(most).toBe(1)
    await b.end()
  })

  test('ends at once when it is told to', async () => {
    const b = await bench()
    await b.end()
    expect(b.clock.sleepers()).toBe(0)
    expect(b.reports()).toEqual([])
  })
})

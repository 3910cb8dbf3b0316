import { readFileSync, writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { monoMs } from '../../src/base/clock.ts'
import { limits } from '../../src/base/limits.ts'
import { parseReportLine, reportLine, reportTable } from '../../src/format/report-record.ts'
import type { Status } from '../../src/format/status.ts'
import type { Machine } from '../../src/health/machine.ts'
import { makeReport } from '../../src/health/report.ts'
import { goodCamera, goodMachine, goodStatus } from '../support/health.ts'

const hourMs = 3_600_000
/** An hour later, all well. */
const later: Status = {
  ...goodStatus,
  processUptimeMs: 2 * hourMs,
  cameras: [{ ...goodCamera, unitsCaptured: 7200, bytesCaptured: 3_600_000_000 }],
  uplink: { ...goodStatus.uplink, bytesConfirmed: 3_599_000_000, requests: 7200, failures: 3, resyncs: 3 },
}

const reportOf = (now: Status, options: { before?: Status; machine?: Machine } = {}) =>
  makeReport({
    now: { at: monoMs(2 * hourMs), status: now },
    before: { at: monoMs(hourMs), status: options.before ?? goodStatus },
    machine: options.machine ?? goodMachine,
    reason: 'schedule',
    late: false,
  })

const withCamera = (change: Partial<typeof goodCamera>): Status => ({
  ...later,
  cameras: later.cameras.map((camera) => ({ ...camera, ...change })),
})

describe('a report', () => {
  test('counts from the report before', () => {
    const report = reportOf(later)
    expect(report).toMatchObject({ verdict: 'ok', problems: [], intervalMs: hourMs })
    expect(report.cameras[0]).toMatchObject({
      owedMs: hourMs,
      capturedMs: hourMs,
      unitsSince: 3600,
      bytesSince: 1_800_000_000,
    })
    expect(report.uplink).toMatchObject({ confirmedBytesSince: 1_800_000_000, requestsSince: 3600, failuresSince: 1 })
  })

  test('the first of a process counts from its start', () => {
    const report = makeReport({
      now: { at: monoMs(hourMs), status: goodStatus },
      before: undefined,
      machine: goodMachine,
      reason: 'start',
      late: false,
    })
    expect(report).toMatchObject({ verdict: 'ok', intervalMs: hourMs, cameras: [{ unitsSince: 3600 }] })
  })

  test('says once what was mended when the recorder started', () => {
    const sentence = "The buffer's index was damaged. It was repaired."
    const mended = { ...later, buffer: { ...later.buffer, repairs: [sentence] } }
    expect(reportOf(mended)).toMatchObject({ verdict: 'ok', problems: [sentence] })
    const already = { ...goodStatus, buffer: mended.buffer }
    expect(reportOf(mended, { before: already }).problems).toEqual([])
  })

  test('a camera that was started anew by settings counts from zero', () => {
    expect(reportOf(withCamera({ unitsCaptured: 3590, bytesCaptured: 5 })).cameras[0]).toMatchObject({
      unitsSince: 3590,
      bytesSince: 5,
    })
  })

  test.each<[string, Status, 'ok' | 'behind' | 'failing', string]>([
    [
      'a camera without footage',
      withCamera({ unitsCaptured: 3600, problem: 'It is unplugged.' }),
      'failing',
      'gave no footage since the last report. It is unplugged.',
    ],
    ['a camera with less than it owes', withCamera({ unitsCaptured: 3600 + 3000 }), 'failing', 'lacks about 600 s'],
    [
      'a camera in trouble only now',
      withCamera({ problem: 'It restarts.', state: 'waiting' }),
      'behind',
      'It restarts.',
    ],
    ['footage that was given up', { ...later, buffer: { ...later.buffer, evictedUnits: 12 } }, 'failing', '12 units'],
    [
      'a sick disk',
      { ...later, buffer: { ...later.buffer, problem: 'The disk is read-only.' } },
      'failing',
      'read-only',
    ],
    [
      'a blocked uplink',
      { ...later, uplink: { ...later.uplink, state: 'blocked', problem: 'The key is wrong.' } },
      'failing',
      'The key is wrong.',
    ],
    [
      'a cut network',
      { ...later, uplink: { ...later.uplink, state: 'waiting', problem: 'No answer.' } },
      'behind',
      'No answer.',
    ],
    ['a backlog', { ...later, buffer: { ...later.buffer, oldestUnitAgeMs: 26 * 60_000 } }, 'behind', '26 minutes'],
    [
      'a store that confirms nothing',
      { ...later, uplink: { ...later.uplink, bytesConfirmed: goodStatus.uplink.bytesConfirmed } },
      'behind',
      'Nothing reached',
    ],
    [
      'an input that is not watched',
      { ...later, inputs: [{ name: 'x', active: null, events: 0, problem: 'No chip.' }] },
      'behind',
      'No chip.',
    ],
    ['a boot without the time', { ...later, time: null, timeErrorMs: null }, 'ok', 'not known yet'],
  ])('%s gets its verdict and its sentence', (_name, status, verdict, words) => {
    const report = reportOf(status)
    expect([report.verdict, report.problems.join(' ')]).toEqual([verdict, expect.stringContaining(words)])
  })

  test.each<[string, Partial<Machine>, string]>([
    ['heat', { temperatureC: 81.4 }, '81 °C'],
    ['a weak supply', { underVoltage: true }, '4.63 V'],
  ])('%s is told', (_name, change, words) => {
    const report = reportOf(later, { machine: { ...goodMachine, ...change } })
    expect(report.verdict).toBe('ok')
    expect(report.problems.join()).toContain(words)
  })
})

describe('the line of a report', () => {
  test('is what readers of the first version expect (golden file)', () => {
    const line = reportLine(reportOf(later))
    const golden = new URL('../golden/report-v1.jsonl', import.meta.url)
    if (process.env.UPDATE_GOLDEN === '1') writeFileSync(golden, `${line}\n`)
    const kept = readFileSync(golden, 'utf8').trimEnd()
    expect(line).toBe(kept)
    expect(parseReportLine(kept)).toEqual(reportOf(later))
  })

  test('stays within the limit of a record, whatever people and cameras say', () => {
    for (const sentence of [
      'x'.repeat(5_000),
      '摄'.repeat(5_000),
      '\u0000\u001b"\\'.repeat(2_000),
      '📹'.repeat(3_000),
    ]) {
      const name = 'n'.repeat(63)
      const report = reportOf({
        ...later,
        cameras: Array.from({ length: 16 }, () => ({ ...goodCamera, name, problem: sentence })),
        inputs: Array.from({ length: 32 }, () => ({ name, active: null, events: 1e9, problem: sentence })),
        buffer: { ...later.buffer, problem: sentence },
        uplink: { ...later.uplink, problem: sentence },
      })
      const line = reportLine(report)
      expect(Buffer.byteLength(line)).toBeLessThanOrEqual(limits.recordBytesMax)
      expect(line).not.toContain('\n')
      expect(parseReportLine(line)?.cameras).toHaveLength(16)
    }
  })

  test('of a later version is passed over', () => {
    expect(parseReportLine('{"v":2}')).toBeUndefined()
    expect(parseReportLine('{"v":1')).toBeUndefined()
  })
})

test('the table has a sentence for every field of a report', () => {
  const table = reportTable()
  const paths = (value: unknown, path: string): string[] => {
    if (Array.isArray(value))
      return value.length > 0 && typeof value[0] === 'object' ? paths(value[0], `${path}[].`) : []
    if (typeof value !== 'object' || value === null) return []
    return Object.entries(value).flatMap(([name, inner]) => {
      const own = `${path}${name}`
      return [own, ...paths(inner, Array.isArray(inner) ? own : `${own}.`)]
    })
  }
  for (const path of paths(reportOf(later), '')) expect(table).toContain(`| \`${path}\` |`)
  const rows = table.split('\n').slice(2)
  expect(rows.length).toBeGreaterThan(50)
  for (const row of rows) expect(row).toMatch(/^\| `[\w[\].]+` \| [^|]* \| [^|]+\.? \|$/)
})

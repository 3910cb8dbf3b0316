import { readFileSync, writeFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { type EventRecord, eventLine, parseEventLine } from '../../src/format/event-record.ts'

const base = { v: 1, bootCounter: 7, input: 'pir-gate', sense: 'motion', cameras: ['gate', 'yard'] } as const
const records: readonly EventRecord[] = [
  {
    ...base,
    kind: 'start',
    id: 'b7-pir-gate-1000250',
    time: '2026-11-23T15:00:00.120Z',
    timeErrorMs: 13,
    monoMs: 1000.25,
    seen: true,
  },
  {
    ...base,
    kind: 'end',
    id: 'b7-pir-gate-1000250',
    time: '2026-11-23T15:00:05.120Z',
    timeErrorMs: 13,
    monoMs: 6000.25,
    durationMs: 5000,
    cause: 'level',
  },
  { ...base, kind: 'start', id: 'b7-pir-gate-9000000', time: null, timeErrorMs: null, monoMs: 9000, seen: false },
]

test('the lines of events are what readers of the first version expect (golden file)', () => {
  const golden = new URL('../golden/events-v1.jsonl', import.meta.url)
  const text = `${records.map(eventLine).join('\n')}\n`
  if (process.env.UPDATE_GOLDEN === '1') writeFileSync(golden, text)
  const kept = readFileSync(golden, 'utf8')
  expect(text).toBe(kept)
  expect(kept.trimEnd().split('\n').map(parseEventLine)).toEqual(records)
})

test('a line of a later version, a torn line and a foreign line are passed over', () => {
  const [line = ''] = records.map(eventLine)
  expect(parseEventLine(line.replace('"v":1', '"v":2'))).toBeUndefined()
  expect(parseEventLine(line.slice(0, -1))).toBeUndefined()
  expect(parseEventLine('null')).toBeUndefined()
})

import { describe, expect, test } from 'vitest'
import { limits } from '../../src/base/limits.ts'
import { startPtsOf } from '../../src/format/playlist.ts'
import { ticksPerSecond, wrapTicks } from '../../src/format/unit.ts'
import { createLineTail, createUnitTail, type TailReader } from '../../src/uplink/tail-reader.ts'
import { clip, startMonoMs } from './haul.ts'

function contents(reader: TailReader, bytes: Uint8Array, pieceBytes = bytes.length): ReturnType<TailReader['end']> {
  reader.begin()
  for (let at = 0; at < bytes.length; at += pieceBytes) reader.push(bytes.subarray(at, at + pieceBytes))
  return reader.end()
}

describe('the tail of a video object', async () => {
  const units = (await clip(5)).map((unit) => unit.bytes)
  const startPts = startPtsOf(startMonoMs)
  const reader = createUnitTail({ longestTicks: 2 * ticksPerSecond, startPts })
  const of = (...which: readonly number[]): Buffer => Buffer.concat(which.map((n) => units[n] ?? Buffer.alloc(0)))

  test.each([188, 1_000, 65_536])('is whole units, in pieces of %i bytes', (pieceBytes) => {
    const endPts = wrapTicks(startPts + 5 * ticksPerSecond)
    expect(contents(reader, of(0, 1, 2, 3, 4), pieceBytes)).toEqual({ units: 5, endPts })
    expect(contents(reader, of(3, 4), pieceBytes)).toEqual({ units: 2, endPts })
  })

  test.each([
    ['nothing', Buffer.alloc(0)],
    ['noise', Buffer.alloc(9_400, 0x47)],
    ['a unit and noise', Buffer.concat([of(1), Buffer.alloc(1_000, 1)])],
    ['noise and a unit', Buffer.concat([Buffer.alloc(1_000, 1), of(1)])],
    ['a unit without its last bytes', of(1, 2).subarray(0, -3)],
    ['units out of order', of(2, 1)],
    ['a unit twice', of(2, 2)],
  ])('is not %s', (_name, bytes) => {
    expect(contents(reader, bytes)).toBeUndefined()
  })

  test('has no unit from before the start of the recording', () => {
    const later = createUnitTail({ longestTicks: 2 * ticksPerSecond, startPts: startPtsOf(startMonoMs + 2_000) })
    expect(contents(later, of(1, 2, 3))).toBeUndefined()
    expect(contents(later, of(2, 3))).toMatchObject({ units: 2 })
  })
})

describe('the tail of a track of lines', () => {
  const reader = createLineTail()
  const text = '{"v":1}\n{"v":1,"note":"ä ü"}\n'

  test.each([1, 5, 1_000])('is whole lines of JSON, in pieces of %i bytes', (pieceBytes) => {
    expect(contents(reader, Buffer.from(text), pieceBytes)).toEqual({ units: 2, endPts: undefined })
  })

  test.each([
    ['nothing', ''],
    ['a line without its end', `${text}{"v":1}`],
    ['something else than an object', `${text}[1]\n`],
    ['no JSON', `${text}hello\n`],
    ['an empty line', `${text}\n`],
    ['a line longer than any of ours', `{"v":"${'x'.repeat(limits.recordBytesMax)}"}\n`],
  ])('is not %s', (_name, bytes) => {
    expect(contents(reader, Buffer.from(bytes), 4_096)).toBeUndefined()
  })

  test('is no text in another encoding', () => {
    expect(contents(reader, Buffer.from('{"v":"\u00e4"}\n', 'latin1'))).toBeUndefined()
  })
})

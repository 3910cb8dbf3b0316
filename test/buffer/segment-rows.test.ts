import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseSegmentRow } from '../../src/buffer/segment-rows.ts'

const entry = {
  ...{ track: 'video/gate', offset: 20, length: 500, seq: 7, crc64: '18446744073709551615' },
  ...{ before: [1000, '42'], media: [90_000, 3_000, false, true] },
}
const row = { bytes: 4_000, protected: true, chunks: [entry] }

test('reads what a closed segment says of itself', () => {
  expect(parseSegmentRow(JSON.stringify(row))).toEqual({
    bytes: 4_000,
    protected: true,
    chunks: [
      {
        ...{ track: 'video/gate', offset: 20, length: 500, seq: 7, crc64: 18446744073709551615n },
        before: { length: 1000, crc64: 42n },
        media: { firstPts: 90_000, durationTicks: 3_000, discontinuity: false, keyframe: true },
      },
    ],
  })
})

test('a row with any part missing or of another kind is no row, and nothing else either', () => {
  for (const field of Object.keys(entry)) {
    for (const wrong of [undefined, null, -1.5, [], [1], {}, ['1', 2]]) {
      expect(parseSegmentRow(JSON.stringify({ ...row, chunks: [{ ...entry, [field]: wrong }] })), field).toBeUndefined()
    }
  }
  for (const wrong of [
    '',
    '{',
    'null',
    '[]',
    '{"bytes":1}',
    '{"bytes":-1,"chunks":[]}',
    '{"bytes":1,"chunks":[null]}',
  ]) {
    expect(parseSegmentRow(wrong), wrong).toBeUndefined()
  }
  fc.assert(fc.property(fc.json(), (text) => parseSegmentRow(text) === undefined || /"bytes"/.test(text)))
})

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { answerRange } from '../../src/viewer/range.ts'

describe('a Range header', () => {
  test.each([
    [undefined, { kind: 'whole' }],
    ['bytes=0-9', { kind: 'part', start: 0, end: 10 }],
    ['bytes=90-', { kind: 'part', start: 90, end: 100 }],
    ['bytes=99-', { kind: 'part', start: 99, end: 100 }],
    ['bytes=90-500', { kind: 'part', start: 90, end: 100 }],
    ['bytes=-10', { kind: 'part', start: 90, end: 100 }],
    ['bytes=-1000', { kind: 'part', start: 0, end: 100 }],
    ['bytes=100-', { kind: 'unsatisfiable' }],
    ['bytes=100-200', { kind: 'unsatisfiable' }],
    ['bytes=-0', { kind: 'unsatisfiable' }],
    ['bytes=0-1,5-6', { kind: 'unsatisfiable' }],
    ['bytes=9-0', { kind: 'whole' }],
    ['bytes=-', { kind: 'whole' }],
    ['lines=0-1', { kind: 'whole' }],
    ['bytes=0-99999999999999999999', { kind: 'whole' }],
  ])('%s of 100 bytes', (header, answer) => {
    expect(answerRange(header, 100)).toEqual(answer)
  })

  test('never leads outside the object, whatever it says', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string(), fc.stringMatching(/^bytes=\d{0,16}-\d{0,16}$/)),
        fc.nat(1000),
        (header, length) => {
          const answer = answerRange(header, length)
          if (answer.kind !== 'part') return
          expect(answer.start).toBeGreaterThanOrEqual(0)
          expect(answer.end).toBeGreaterThan(answer.start)
          expect(answer.end).toBeLessThanOrEqual(length)
        },
      ),
    )
  })
})

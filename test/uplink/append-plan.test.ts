import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { crc64 } from '../../src/base/crc64.ts'
import { type Chunk, type Extent, emptyExtent } from '../../src/format/recording.ts'
import { commandFor, extentAfter, judge, type Layout, onFailure, onInspected } from '../../src/uplink/append-plan.ts'
import type { RemoteObject } from '../../src/uplink/object-store.ts'

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text)
const chunk = (seq: number, text: string): Chunk => ({ seq, length: text.length, crc64: crc64(bytesOf(text)) })
const extent = (text: string): Extent => ({ length: text.length, crc64: crc64(bytesOf(text)) })
const holds = (text: string): RemoteObject => ({ kind: 'appendable', ...extent(text) })

/** `ab` has arrived; `cde`, `fg`, `h` have not, as far as we know. */
const layout: Layout = { arrived: extent('ab'), pending: [chunk(1, 'cde'), chunk(2, 'fg'), chunk(3, 'h')] }
const fresh: Layout = { arrived: emptyExtent, pending: layout.pending }

describe('append plan', () => {
  test('asks before it sends anything', () => {
    expect(commandFor(fresh, onFailure(), 100)).toEqual({ do: 'inspect' })
  })

  test('sends what fits into one body, whole chunks only, and at least one', () => {
    const aligned = { at: 'aligned' } as const
    expect(commandFor(layout, aligned, 5)).toEqual({ do: 'append', count: 2, expect: extent('abcdefg') })
    expect(commandFor(layout, aligned, 100)).toEqual({ do: 'append', count: 3, expect: extent('abcdefgh') })
    expect(commandFor(layout, aligned, 1)).toEqual({ do: 'append', count: 1, expect: extent('abcde') })
    expect(commandFor({ ...layout, pending: [] }, aligned, 5)).toEqual({ do: 'rest' })
  })

  test.each([
    ['nothing arrived beyond what we knew', layout, holds('ab'), 0],
    ['a lost reply: one chunk is there', layout, holds('abcde'), 1],
    ['everything is there', layout, holds('abcdefgh'), 3],
    ['a new object', fresh, { kind: 'absent' }, 0],
    ['an object that was created and is empty', fresh, holds(''), 0],
  ] as const)('%s', (_name, held, remote, landed) => {
    expect(judge(held, remote)).toEqual({ landed, extent: extentAfter(held, landed) })
  })

  test.each([
    ['not-appendable', layout, { kind: 'other' }],
    ['deleted', layout, { kind: 'absent' }],
    ['shorter', layout, holds('a')],
    ['longer', layout, holds('abcdefghi')],
    ['torn', layout, holds('abcd')],
    ['different', layout, holds('abxyz')],
    ['different', layout, holds('xb')],
  ] as const)('gives the object up as %s', (why, held, remote) => {
    expect(judge(held, remote)).toEqual({ landed: undefined, why })
  })

  test('asks a second time before it gives an object up, and a good answer in between clears it', () => {
    const wrong = { landed: undefined, why: 'torn' } as const
    const once = onInspected({ at: 'unknown' }, wrong)
    expect(once).toEqual({ at: 'suspected', why: 'torn' })
    expect(commandFor(layout, once, 5)).toEqual({ do: 'inspect' })
    expect(onInspected(once, wrong)).toEqual({ at: 'abandoned', why: 'torn' })
    expect(onInspected(once, { landed: 0, extent: extent('ab') })).toEqual({ at: 'aligned' })
  })

  test('finds its place in any layout, and trusts no length with wrong bytes', () => {
    const pieces = fc.array(fc.string({ minLength: 1, maxLength: 9, unit: 'binary-ascii' }), { maxLength: 9 })
    fc.assert(
      fc.property(pieces, fc.nat(), fc.boolean(), (texts, pick, spoil) => {
        const pending = texts.map((text, seq) => chunk(seq, text))
        const held: Layout = { arrived: extent('base'), pending }
        const count = pick % (texts.length + 1)
        const there = holds(`base${texts.slice(0, count).join('')}`)
        if (there.kind !== 'appendable') return
        const remote: RemoteObject = spoil ? { ...there, crc64: there.crc64 ^ 4n } : there
        expect(judge(held, remote).landed).toBe(spoil ? undefined : count)
      }),
    )
  })
})

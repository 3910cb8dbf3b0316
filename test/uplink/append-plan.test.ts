import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { crc64 } from '../../src/base/crc64.ts'
import { type Chunk, type Extent, emptyExtent } from '../../src/format/recording.ts'
import {
  commandFor,
  isTailRead,
  judge,
  onFailure,
  onInspected,
  onTailPiece,
  onTailRead,
  type PlanState,
  spoiltMax,
  tailBytesMax,
} from '../../src/uplink/append-plan.ts'
import { extentAfter, type Layout } from '../../src/uplink/known-points.ts'
import type { RemoteObject } from '../../src/uplink/object-store.ts'

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text)
const chunk = (seq: number, text: string): Chunk => ({ seq, length: text.length, crc64: crc64(bytesOf(text)) })
const extent = (text: string): Extent => ({ length: text.length, crc64: crc64(bytesOf(text)) })
const holds = (text: string): RemoteObject => ({ kind: 'appendable', ...extent(text) })

const proven = (at: Extent, landed: number, unitsRead = 0) =>
  ({ is: 'proven', landed, extent: at, unitsRead, endPts: undefined }) as const

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
    expect(judge(held, remote)).toEqual(proven(extentAfter(held, landed), landed))
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
    expect(judge(held, remote)).toEqual({ is: 'misfit', landed: undefined, why })
  })

  test('asks a second time before it gives an object up, and a good answer in between clears it', () => {
    const wrong = { is: 'misfit', landed: undefined, why: 'torn' } as const
    const once = onInspected({ at: 'unknown' }, wrong)
    expect(once).toEqual({ at: 'suspected', why: 'torn' })
    expect(commandFor(layout, once, 5)).toEqual({ do: 'inspect' })
    expect(onInspected(once, wrong)).toEqual({ at: 'abandoned', why: 'torn' })
    expect(onInspected(once, proven(extent('ab'), 0))).toEqual({ at: 'aligned' })
  })

  /** `ab` had arrived; then `cd ef`, which died in memory; `gh` and `i` are pending. */
  const pending = [chunk(5, 'gh'), chunk(6, 'i')]
  const between: Layout = { arrived: extent('ab'), doubt: { pendingFrom: extent('abcdef'), beyond: false }, pending }
  const behind: Layout = { arrived: extent('ab'), doubt: { pendingFrom: extent('abcdef'), beyond: true }, pending }
  const onlyBehind: Layout = { arrived: extent('ab'), doubt: { pendingFrom: extent('ab'), beyond: true }, pending: [] }
  const late: Layout = { arrived: extent('ab'), pending, late: true }

  test.each([
    ['what had arrived', between, 'ab', 0],
    ['where the first pending chunk begins', between, 'abcdef', 0],
    ['the end of a pending chunk', between, 'abcdefgh', 1],
    ['the end of the last one', behind, 'abcdefghi', 2],
    ['nothing more than is known', onlyBehind, 'ab', 0],
    ['late, but as we left it', late, 'abgh', 1],
  ] as const)('in doubt, arithmetic proves %s', (_name, held, there, landed) => {
    expect(judge(held, holds(there))).toEqual(proven(extent(there), landed))
  })

  test.each([
    ['between what had arrived and what is pending', between, 'abc', 'ab'],
    ['behind everything', behind, 'abcdefghijkl', 'abcdefghi'],
    ['behind what had arrived, with nothing pending', onlyBehind, 'abcdef', 'ab'],
    ['behind everything, after the doubt was settled', late, 'abghix', 'abghi'],
  ] as const)('in doubt, a tail is read back %s', (_name, held, there, from) => {
    const verdict = judge(held, holds(there))
    expect(verdict).toMatchObject({ is: 'tail', from: extent(from), to: extent(there), tooLong: false })
    const state = onInspected({ at: 'unknown' }, verdict)
    expect(commandFor(held, state, 5)).toEqual({ do: 'read-tail', from: from.length, to: there.length })
  })

  test.each([
    ['torn', between, 'abcdefg'],
    ['longer', between, 'abcdefghij'],
    ['different', between, 'abXXef'],
    ['different', behind, 'abcdefgX'],
    ['shorter', behind, 'a'],
  ] as const)('in doubt, an object is still found to be %s', (why, held, there) => {
    expect(judge(held, holds(there))).toEqual({ is: 'misfit', landed: undefined, why })
  })

  test('nothing is appended before a doubt is settled', () => {
    expect(commandFor(between, { at: 'aligned' }, 100)).toEqual({ do: 'inspect' })
  })

  const reading = (held: Layout, there: string, before: PlanState = { at: 'unknown' }): PlanState =>
    onInspected(before, judge(held, holds(there)))
  const whole = { units: 2, endPts: 7 }

  test('a tail is read in windows, proven by its checksum, and believed when the store says the same again', () => {
    const mib = 2 ** 20
    const start = { length: 10 * mib, crc64: 5n }
    const big: Layout = { arrived: start, doubt: { pendingFrom: start, beyond: true }, pending: [] }
    const long = onInspected({ at: 'unknown' }, judge(big, { kind: 'appendable', length: 16 * mib, crc64: 1n }))
    expect(commandFor(big, long, 5)).toEqual({ do: 'read-tail', from: 10 * mib, to: 14 * mib })
    const further = onTailPiece(long, { length: 4 * mib, crc64: 0n })
    expect(isTailRead(further)).toBe(false)
    expect(commandFor(big, further, 5)).toEqual({ do: 'read-tail', from: 14 * mib, to: 16 * mib })

    const read = onTailPiece(reading(behind, 'abcdefghijkl'), extent('jkl'))
    expect(isTailRead(read)).toBe(true)
    const settled = onTailRead(read, whole)
    expect(commandFor(behind, settled, 5)).toEqual({ do: 'inspect' })
    if (settled.at !== 'unknown') throw new Error('not read')
    const verdict = judge(behind, holds('abcdefghijkl'), settled.proven)
    expect(verdict).toEqual({ is: 'proven', landed: 2, extent: extent('abcdefghijkl'), unitsRead: 2, endPts: 7 })
  })

  test('an object that grew while its tail was read is read on, not given up', () => {
    const settled = onTailRead(onTailPiece(reading(between, 'abc'), extent('c')), whole)
    if (settled.at !== 'unknown') throw new Error('not read')
    const grown = judge(between, holds('abcde'), settled.proven)
    expect(grown).toMatchObject({ is: 'tail', from: extent('abc'), to: extent('abcde') })
    const on = onTailRead(onTailPiece(onInspected(settled, grown), extent('de')), { units: 3, endPts: 9 })
    expect(on).toEqual({ at: 'unknown', proven: { extent: extent('abcde'), unitsRead: 5, endPts: 9 } })
    expect(judge(between, holds('abcdefgh'), settled.proven)).toEqual(proven(extent('abcdefgh'), 1))
  })

  test('a tail with another checksum, or that does not read as ours, is foreign when it is so twice', () => {
    for (const [piece, contents, why] of [
      ['jkX', whole, 'different'],
      ['jkl', undefined, 'longer'],
    ] as const) {
      const once = onTailRead(onTailPiece(reading(behind, 'abcdefghijkl'), extent(piece)), contents)
      expect(once).toEqual({ at: 'suspected', why })
      const again = reading(behind, 'abcdefghijkl', once)
      expect(onTailRead(onTailPiece(again, extent(piece)), contents)).toEqual({ at: 'abandoned', why })
      expect(onTailRead(onTailPiece(again, extent('jkl')), whole)).toMatchObject({ at: 'unknown' })
    }
  })

  test('a tail beyond the limit is not read: the object is closed as the store gives it', () => {
    const found = { length: 2 + tailBytesMax + 1, crc64: 1n }
    const verdict = judge(onlyBehind, { kind: 'appendable', ...found })
    const once = onInspected({ at: 'unknown' }, verdict)
    expect(once).toEqual({ at: 'suspected', why: 'unproven' })
    expect(onInspected(once, verdict)).toEqual({ at: 'abandoned', why: 'unproven', found })
    expect(judge(onlyBehind, { kind: 'appendable', ...found, length: found.length - 1 })).toMatchObject({
      tooLong: false,
    })
  })

  test('a read that fails goes on where it was; an object that vanished meanwhile is asked for', () => {
    const state = reading(behind, 'abcdefghijkl')
    expect(onFailure(state, { kind: 'unanswered', message: '' })).toBe(state)
    expect(onFailure(state, { kind: 'absent', message: '' })).toEqual({ at: 'unknown' })
  })

  test('bodies that arrive damaged are sent again so often, then the object is given up', () => {
    const damaged = { kind: 'damaged', message: '' } as const
    let state: PlanState = { at: 'aligned' }
    for (let count = 1; count < spoiltMax; count += 1) {
      state = onInspected(onFailure(state, damaged), proven(extent('ab'), 0))
      expect(state).toEqual({ at: 'aligned', spoilt: count })
    }
    const last = onFailure(state, damaged)
    expect(onInspected(last, proven(extent('abcde'), 1))).toEqual({ at: 'aligned' })
    expect(onInspected(last, proven(extent('ab'), 0))).toEqual({ at: 'abandoned', why: 'damaged' })
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

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Gap } from '../../src/reader/catalogue.ts'
import { holesIn, type Span, spansOf, unexplainedHoles } from '../../src/reader/verify-gaps.ts'

const span = (from: number, to: number): Span => ({ fromMs: from * 1000, toMs: to * 1000 })
const gap = (from: number | undefined, to: number | undefined): Gap => ({
  ...{ camera: 'door', cause: 'camera', bootCounter: 1, fromMonoMs: 0, toMonoMs: 0, units: 0, note: '' },
  fromMs: from === undefined ? undefined : from * 1000,
  toMs: to === undefined ? undefined : to * 1000,
})

describe('holes in footage', () => {
  test('lie between spans, whatever their order, and overlaps make none', () => {
    expect(holesIn([span(20, 30), span(0, 10), span(5, 12)])).toEqual([span(12, 20)])
    expect(holesIn([])).toEqual([])
    expect(holesIn([span(0, 100), span(10, 20), span(100.9, 110)])).toEqual([])
  })

  test('are explained by gap records, together or in part', () => {
    const footage = [span(0, 10), span(20, 30), span(60, 70)]
    expect(unexplainedHoles(footage, [gap(10, 20), gap(30, 45), gap(45, 60)])).toEqual([])
    expect(unexplainedHoles(footage, [gap(10, 20), gap(35, 50)])).toEqual([span(30, 34), span(51, 60)])
    expect(unexplainedHoles(footage, [gap(undefined, 20), gap(31, 59)])).toEqual([span(10, 20)])
  })

  test('are explained through boots that never learnt the time', () => {
    const footage = [span(0, 10), span(90, 100)]
    const through = (boot: number, end: number, times: [number | undefined, number | undefined]): Gap => ({
      ...gap(...times),
      bootCounter: boot,
      endBootCounter: end,
    })
    const [one, two, three] = [
      through(1, 2, [10, undefined]),
      through(2, 3, [undefined, undefined]),
      through(3, 4, [undefined, 90]),
    ]
    expect(unexplainedHoles(footage, [one, two, three])).toEqual([])
    expect(unexplainedHoles(footage, [one, three])).toEqual([span(10, 90)])
    expect(unexplainedHoles(footage, [one, { ...two, endBootCounter: 1 }])).toEqual([span(10, 90)])
  })

  test('that are reported lie in no footage and under no record', () => {
    const spans = fc.array(
      fc.tuple(fc.nat(1000), fc.nat(50)).map(([from, long]) => span(from, from + long)),
      { maxLength: 12 },
    )
    fc.assert(
      fc.property(spans, spans, (footage, records) => {
        const gaps = records.map(({ fromMs, toMs }) => gap(fromMs / 1000, toMs / 1000))
        for (const hole of unexplainedHoles(footage, gaps)) {
          const middle = (hole.fromMs + hole.toMs) / 2
          expect(footage.some(({ fromMs, toMs }) => fromMs <= middle && middle < toMs)).toBe(false)
          expect(records.some(({ fromMs, toMs }) => fromMs <= middle && middle < toMs)).toBe(false)
        }
      }),
    )
  })
})

test('the entries of a run are one span, a jump of the dates begins another', () => {
  const entry = (wallMs: number | undefined, durationS = 1) => ({ wallMs, durationS })
  expect(spansOf([entry(0), entry(1000.4), entry(2000), entry(9000), entry(undefined)])).toEqual([
    span(0, 3),
    span(9, 10),
  ])
})

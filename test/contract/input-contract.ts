/** What every implementation of the port for input lines promises. Run on the fake and on the adapter over onoff. */
import { describe, expect, test } from 'vitest'
import type { InputLines, Level, LineError, LinePlace } from '../../src/capture/input-line.ts'

export interface LineBench {
  readonly lines: InputLines
  readonly place: LinePlace
  /** Puts a level on the wire and lets the edge be reported. */
  set(level: Level): void
  /** The line breaks, as an expander on a cable does. */
  breakLine(): void
  /** The line works again. */
  mendLine(): void
  end(): void
}

export function inputLinesContract(name: string, makeBench: () => LineBench): void {
  async function opened(bench: LineBench) {
    const edges: Level[] = []
    const times: number[] = []
    const lost: LineError[] = []
    const line = await bench.lines.open(bench.place, {
      onEdge(level, at) {
        edges.push(level)
        times.push(at)
      },
      onLost: (error) => lost.push(error),
    })
    if (!line.ok) throw new Error(JSON.stringify(line.error))
    return { line: line.value, edges, times, lost }
  }

  describe(`input lines: ${name}`, () => {
    test('reads the level, and reports edges with the time on the clock given', async () => {
      const bench = makeBench()
      const { line, edges, times } = await opened(bench)
      expect(line.read()).toEqual({ ok: true, value: 0 })
      bench.set(1)
      expect(line.read()).toEqual({ ok: true, value: 1 })
      bench.set(0)
      expect(edges).toEqual([1, 0])
      expect(times.every((at) => at >= 1_000)).toBe(true)
      line.close()
      bench.end()
    })

    test('says nothing after it was closed, and may be closed twice', async () => {
      const bench = makeBench()
      const { line, edges } = await opened(bench)
      line.close()
      line.close()
      bench.set(1)
      expect(edges).toEqual([])
      bench.end()
    })

    test('a line that breaks is an error and not an exception, said once', async () => {
      const bench = makeBench()
      const { line, lost } = await opened(bench)
      bench.breakLine()
      expect(lost).toHaveLength(1)
      expect(lost[0]?.kind).toBe('failed')
      expect(line.read().ok).toBe(false)
      line.close()
      bench.end()
    })

    test('opens again after it broke', async () => {
      const bench = makeBench()
      const first = await opened(bench)
      bench.breakLine()
      first.line.close()
      bench.mendLine()
      const second = await opened(bench)
      bench.set(1)
      expect(second.edges).toEqual([1])
      expect(first.edges).toEqual([])
      second.line.close()
      bench.end()
    })
  })
}

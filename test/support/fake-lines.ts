/** Input lines in memory: a wire whose level the test sets, with the merging and losing of edges that a kernel does. */
import type { Clock } from '../../src/base/clock.ts'
import { err, ok } from '../../src/base/result.ts'
import type { InputLines, Level, LineError, LineListener } from '../../src/capture/input-line.ts'

export interface FakeLines {
  readonly lines: InputLines
  /** Sets the level and reports the edge. */
  set(level: Level): void
  /** Sets the level in silence: the report was lost. */
  setUnreported(level: Level): void
  /** Reports the level as it is, as two quick edges do that merge. */
  report(): void
  /** The line can no longer be read. */
  lose(reason: string): void
  /** What the next openings answer; `undefined` opens. */
  refuse(error: LineError | undefined): void
  openings(): number
  isOpen(): boolean
}

export function createFakeLines(clock: Clock, first: Level = 0): FakeLines {
  let level: Level = first
  let refusal: LineError | undefined
  let broken: LineError | undefined
  let listener: LineListener | undefined
  let openings = 0
  return {
    lines: {
      async open(_place, heard) {
        openings += 1
        if (refusal !== undefined) return err(refusal)
        broken = undefined
        listener = heard
        return ok({
          read: () => (broken === undefined ? ok(level) : err(broken)),
          close() {
            if (listener === heard) listener = undefined
          },
        })
      },
    },
    set(next) {
      if (next === level) return
      level = next
      listener?.onEdge(level, clock.mono())
    },
    setUnreported(next) {
      level = next
    },
    report: () => listener?.onEdge(level, clock.mono()),
    lose(reason) {
      broken = { kind: 'failed', reason }
      listener?.onLost(broken)
    },
    refuse(error) {
      refusal = error
    },
    openings: () => openings,
    isOpen: () => listener !== undefined,
  }
}

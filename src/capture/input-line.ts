/**
 * The port for an input line: a wire that is high or low. Implemented by `adapters/onoff-input.ts`.
 *
 * A line is named by its chip's label and its number on that chip. Both are properties of the board; the numbers that
 * Linux gives to chips and lines change with the kernel (on a Raspberry Pi since 6.6 they begin at 512).
 */
import type { MonoMs } from '../base/clock.ts'
import type { Result } from '../base/result.ts'

export interface LinePlace {
  /** Label of the chip, such as `pinctrl-rp1`. */
  readonly chip: string
  /** 0 to the chip's number of lines - 1. */
  readonly line: number
}

/** 1: about 3.3 V on the wire. What that means is the settings' business (`activeLow`). */
export type Level = 0 | 1

/** Why a line cannot be watched. Closed: each kind has its sentence in `input-words.ts`. */
export type LineError =
  | { readonly kind: 'no-gpio' }
  | { readonly kind: 'no-driver'; readonly reason: string }
  | { readonly kind: 'no-chip'; readonly chips: readonly string[] }
  | { readonly kind: 'two-chips' }
  | { readonly kind: 'no-line'; readonly lines: number }
  | { readonly kind: 'busy' }
  | { readonly kind: 'denied'; readonly path: string }
  | { readonly kind: 'failed'; readonly reason: string }

export interface LineListener {
  /**
   * An edge was reported and the level read right after it. Quick edges merge, so two reports in a row may carry the
   * same level, and no report may be taken for a count.
   *
   * @param at read before anything else is done
   */
  onEdge(level: Level, at: MonoMs): void
  /** The line can no longer be read. Said once; the line is to be closed and opened again. */
  onLost(error: LineError): void
}

export interface InputLine {
  /** The level now. */
  read(): Result<Level, LineError>
  /** No report comes after it. May be repeated. */
  close(): void
}

export interface InputLines {
  /** Makes the line an input and watches both edges. Never throws. May be repeated after any error. */
  open(place: LinePlace, listener: LineListener): Promise<Result<InputLine, LineError>>
}

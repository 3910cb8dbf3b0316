/** Input lines that a script switches. */

import { ok } from '../../src/base/result.ts'
import type { InputLines, Level, LineListener } from '../../src/capture/input-line.ts'
import type { Life } from './life.ts'

export interface SimInputs {
  linesFor(life: Life): InputLines
  /** The wire goes to this level now. */
  set(level: Level): void
}

export function createInputs(): SimInputs {
  let level: Level = 0
  let watching: { readonly life: Life; readonly listener: LineListener } | undefined
  return {
    set(wanted) {
      level = wanted
      if (watching !== undefined && !watching.life.dead) watching.listener.onEdge(level, watching.life.clock.mono())
    },
    linesFor: (life) => ({
      async open(_place, listener) {
        const mine = { life, listener }
        watching = mine
        return ok({
          read: () => ok(level),
          close() {
            if (watching === mine) watching = undefined
          },
        })
      },
    }),
  }
}

/**
 * What the person at the demo sees: a story that scrolls, and below it, on a terminal, a block that is drawn again and
 * again. Without a terminal the block becomes one line now and then, so that a log of the demo reads well too.
 */

export interface Screen {
  /** A line of the story. It stays. */
  tell(line: string): void
  /** The block below the story, at most a screen high; `summary` is its one-line form. */
  show(block: readonly string[], summary: string): void
  /** Leaves the last block where it is. */
  close(): void
}

export interface Terminal {
  readonly isTty: boolean
  readonly columns: number
  write(text: string): void
}

/** Without a terminal one summary in so many calls of `show` is written. */
const showsPerSummary = 10

export function createScreen(terminal: Terminal): Screen {
  let drawn = 0
  let shows = 0
  let last: readonly string[] = []

  /** Back to the first line of the block, and everything below it gone. */
  const erase = (): string => (drawn === 0 ? '' : `\u001b[${drawn}A\u001b[J`)

  function draw(block: readonly string[]): string {
    last = block
    drawn = block.length
    return block.map((line) => `${cut(line, terminal.columns - 1)}\n`).join('')
  }

  return {
    tell(line) {
      if (!terminal.isTty) terminal.write(`${line}\n`)
      else terminal.write(`${erase()}${line}\n${draw(last)}`)
    },
    show(block, summary) {
      if (terminal.isTty) {
        terminal.write(erase() + draw(block))
        return
      }
      if (shows % showsPerSummary === 0) terminal.write(`  ${summary}\n`)
      shows += 1
    },
    close() {
      drawn = 0
      last = []
    },
  }
}

/** Colour codes take no room and are never cut in half: a line with them is short by construction. */
const cut = (line: string, columns: number): string =>
  line.includes('\u001b') || line.length <= columns ? line : `${line.slice(0, Math.max(0, columns - 1))}…`

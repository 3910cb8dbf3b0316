/**
 * Bytes of a noisy wire in, lines and their echo out.
 *
 * A line ends with CR, LF, or CR and LF. Backspace takes one character, whole; Ctrl-U the line; Ctrl-C the line and says
 * so. NUL, escape sequences (arrow keys) and other control characters are dropped. A line longer than the limit is told
 * once and swallowed to its end. Bytes that are no UTF-8 become U+FFFD: `damaged` says that the line must not be obeyed.
 *
 * Pure: no port, no clock. Memory is bounded by `bytesMax` whatever comes in.
 */

export type LineEvent =
  /** To be written back, in this place of the order. */
  | { readonly kind: 'echo'; readonly text: string }
  | { readonly kind: 'line'; readonly text: string; readonly damaged: boolean }
  | { readonly kind: 'too-long' }
  /** Ctrl-C: whoever types wants a fresh prompt. */
  | { readonly kind: 'interrupt' }

export interface LineReader {
  /** In order: the echo of a line comes before its event. */
  push(bytes: Uint8Array): readonly LineEvent[]
}

export interface LineReaderOptions {
  /** Bytes of UTF-8 in one line. */
  readonly bytesMax: number
  /** Asked with the line so far, for each character: is the next one part of a secret? It is then echoed as `*`. */
  hides(lineSoFar: string): boolean
}

const damagedCharacter = '\ufffd'

export function createLineReader(options: LineReaderOptions): LineReader {
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
  const line = new TypedLine(options)
  let afterReturn = false
  /** Within an escape sequence: after ESC, or after ESC [ up to its final letter. */
  let sequence: 'no' | 'begun' | 'open' = 'no'

  /** The event that a character is, after its echo. */
  function take(character: string): { readonly echo: string; readonly event?: LineEvent } {
    const feedAfterReturn = afterReturn && character === '\n'
    afterReturn = character === '\r'
    if (feedAfterReturn) return { echo: '' }
    if (sequence !== 'no') {
      sequence = escapeAfter(sequence, character)
      if (!isEnd(character) && character !== '\x03') return { echo: '' }
    }
    if (isEnd(character)) return { echo: '\r\n', event: line.end() }
    switch (character) {
      case '\x1b':
        sequence = 'begun'
        return { echo: '' }
      case '\x03':
        line.clear()
        return { echo: '^C\r\n', event: { kind: 'interrupt' } }
      case '\x15':
        return { echo: line.clear() }
      case '\b':
      case '\x7f':
        return { echo: line.erase() }
      case '\t':
        return { echo: line.add(' ') }
      default:
        return { echo: isControl(character) ? '' : line.add(character) }
    }
  }

  return {
    push(bytes) {
      const events: LineEvent[] = []
      let echo = ''
      const endEcho = (): void => {
        if (echo !== '') events.push({ kind: 'echo', text: echo })
        echo = ''
      }
      // A half character waits inside the decoder for its rest, at most three bytes.
      for (const character of decoder.decode(bytes, { stream: true })) {
        const taken = take(character)
        echo += taken.echo
        if (taken.event === undefined) continue
        endEcho()
        events.push(taken.event)
      }
      endEcho()
      return events
    },
  }
}

/** The line so far. Its methods give what must be written back. */
class TypedLine {
  readonly #options: LineReaderOptions
  #characters: string[] = []
  #bytes = 0
  #tooLong = false

  constructor(options: LineReaderOptions) {
    this.#options = options
  }

  add(character: string): string {
    if (this.#tooLong) return ''
    const bytes = Buffer.byteLength(character)
    if (this.#bytes + bytes > this.#options.bytesMax) {
      this.#tooLong = true
      this.#characters = []
      return ''
    }
    const hidden = this.#options.hides(this.#characters.join(''))
    this.#characters.push(character)
    this.#bytes += bytes
    return hidden ? '*' : character
  }

  erase(): string {
    const last = this.#characters.pop()
    if (last === undefined) return ''
    this.#bytes -= Buffer.byteLength(last)
    return wipe
  }

  clear(): string {
    const echo = wipe.repeat(this.#characters.length)
    this.#characters = []
    this.#bytes = 0
    this.#tooLong = false
    return echo
  }

  end(): LineEvent {
    const text = this.#characters.join('')
    const tooLong = this.#tooLong
    this.clear()
    return tooLong ? { kind: 'too-long' } : { kind: 'line', text, damaged: text.includes(damagedCharacter) }
  }
}

const wipe = '\b \b'

const isEnd = (character: string): boolean => character === '\r' || character === '\n'

/** C0 and C1 controls; the C1 ones would steer a terminal when echoed. */
const isControl = (character: string): boolean => {
  const code = character.codePointAt(0) ?? 0
  return code < 0x20 || (code >= 0x7f && code < 0xa0)
}

/** ECMA-48: ESC and one character, or ESC [ parameters and a final byte from @ to ~. A line end breaks any of them. */
function escapeAfter(state: 'begun' | 'open', character: string): 'no' | 'begun' | 'open' {
  if (isEnd(character) || character === '\x03') return 'no'
  if (character === '\x1b') return 'begun'
  if (state === 'begun') return character === '[' || character === 'O' ? 'open' : 'no'
  return character >= '@' && character <= '~' ? 'no' : 'open'
}

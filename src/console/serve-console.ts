/**
 * One session at the console: bytes from a wire, lines, answers, prompts. A log-in will come before the first prompt;
 * until then the serial port is off unless the settings name one.
 */
import { limits } from '../base/limits.ts'
import { answerLine, hidesNext, newSession } from './commands.ts'
import type { ConsoleWorld } from './console-world.ts'
import { createLineReader, type LineEvent } from './line-reader.ts'

export interface ConsoleWire {
  /** Ends when the wire is gone or closed. Read slowly: an answer is written before the next bytes are asked for. */
  readonly incoming: AsyncIterable<Uint8Array>
  /** Resolves when the wire has taken the text, or is gone. Never rejects. */
  write(text: string): Promise<void>
  /** False where nobody types by hand: neither echo nor prompts. */
  readonly terminal: boolean
}

export type SessionEnd = 'exit' | 'wire-gone' | 'stopped'

export async function serveConsole(wire: ConsoleWire, world: ConsoleWorld, signal: AbortSignal): Promise<SessionEnd> {
  const session = newSession()
  const reader = createLineReader({ bytesMax: limits.consoleLineBytesMax, hides: hidesNext })
  const prompt = (): Promise<void> =>
    wire.terminal
      ? wire.write(session.candidate === undefined ? 'watchpost> ' : 'watchpost (changed)> ')
      : Promise.resolve()
  const say = (text: string): Promise<void> => {
    if (text === '') return Promise.resolve()
    return wire.write(wire.terminal ? `${text.replaceAll('\n', '\r\n')}\r\n` : `${text}\n`)
  }
  if (wire.terminal) await say(`Watchpost ${world.version}. Type help for help.`)
  await prompt()
  for await (const bytes of wire.incoming) {
    if (signal.aborted) return 'stopped'
    for (const event of reader.push(bytes)) {
      if (event.kind === 'echo') {
        if (wire.terminal) await wire.write(event.text)
        continue
      }
      const end = await answer(event)
      if (end) return 'exit'
      await prompt()
    }
  }
  return signal.aborted ? 'stopped' : 'wire-gone'

  async function answer(event: Exclude<LineEvent, { kind: 'echo' }>): Promise<boolean> {
    if (event.kind === 'interrupt') return false
    if (event.kind === 'too-long') {
      await say(`This line is longer than ${limits.consoleLineBytesMax} bytes; nothing of it was obeyed.`)
      return false
    }
    if (event.damaged) {
      await say('This line was damaged on the way; nothing of it was obeyed. Please type it again.')
      return false
    }
    const { text, end } = await answerLine(event.text, session, world)
    await say(text)
    return end
  }
}

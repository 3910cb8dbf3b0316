/** What the console needs of the machine. Joined in `commands/console.ts`; every answer that fails is a sentence. */
import type { Result } from '../base/result.ts'
import type { Status } from '../format/status.ts'
import type { ControlRequest } from './control.ts'

export interface ConsoleWorld {
  /** Of the program that serves the console, as text. */
  readonly version: string
  /** The text of the settings file. */
  readSettings(): Promise<Result<string, string>>
  /** Replaces the settings file; a power cut leaves the old one or the new one. */
  saveSettings(text: string): Promise<Result<undefined, string>>
  /** Asks the running recorder. The error says why it did not answer. */
  ask(request: ControlRequest): Promise<Result<unknown, string>>
}

/** Shapes what the recorder answered to `status`; `undefined` if another version answered something else. */
export function asStatus(answer: unknown): Status | undefined {
  if (typeof answer !== 'object' || answer === null) return undefined
  const wanted = ['device', 'cameras', 'inputs', 'buffer', 'uplink']
  return wanted.every((name) => name in answer) ? (answer as Status) : undefined
}

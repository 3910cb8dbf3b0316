/**
 * What may be asked of the running recorder over its control socket: one JSON line each way. `status`, the console and
 * `check` ask; `app.ts` answers through the port below. The socket itself is in `adapters/control-socket.ts`.
 */
import { err, ok, type Result } from '../base/result.ts'

export type ControlRequest =
  /** Answered with a `Status` (`format/status.ts`). */
  | { readonly do: 'status' }
  /** Read the settings file again and restart the loops whose settings changed. Answered with a `ReloadReply`. */
  | { readonly do: 'reload' }
  /** Answered with `{ version, device }`. */
  | { readonly do: 'version' }
  /** The last lines of the log, oldest first. Answered with `{ lines: string[] }`. */
  | { readonly do: 'log'; readonly lines: number }

/** What became of a reload. A sentence for people either way; on refusal the recorder goes on as it was. */
export interface ReloadReply {
  readonly accepted: boolean
  readonly message: string
}

/** Answers with plain JSON. A thrown error is answered with its message. */
export type ControlHandler = (request: ControlRequest) => Promise<unknown>

/** One line of the socket, from the recorder. */
export type ControlReply =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly error: string }

const logLinesMax = 200

/** A line from whoever opened the socket. @returns a sentence when it is no request */
export function readControlRequest(line: string): Result<ControlRequest, string> {
  const data = readJson(line)
  if (typeof data !== 'object' || data === null || !('do' in data)) {
    return err('A request is one JSON object on a line, such as {"do":"status"}.')
  }
  switch (data.do) {
    case 'status':
    case 'reload':
    case 'version':
      return ok({ do: data.do })
    case 'log': {
      const lines = 'lines' in data ? data.lines : 20
      if (typeof lines === 'number' && Number.isInteger(lines) && lines >= 1 && lines <= logLinesMax) {
        return ok({ do: 'log', lines })
      }
      return err(`"lines" must be a whole number from 1 to ${logLinesMax}.`)
    }
    default:
      return err('This request is not known; known are status, reload, version and log.')
  }
}

/** A line from the recorder; `undefined` if it is not a reply. */
export function readControlReply(line: string): ControlReply | undefined {
  const data = readJson(line)
  if (typeof data !== 'object' || data === null || !('ok' in data)) return undefined
  if (data.ok === true) return { ok: true, value: 'value' in data ? data.value : null }
  return { ok: false, error: 'error' in data ? String(data.error) : 'The recorder gave no reason.' }
}

function readJson(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}

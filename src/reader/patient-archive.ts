/**
 * An archive that waits out a broken link: what was not answered is asked again, later and later, until it is answered
 * or nobody wants to know any more. Reads change nothing, so repeating them is always safe. What a person must mend
 * (`denied`), what is not there (`absent`) and what is wrong (`rejected`) is handed on at once.
 */
import { type BackoffRange, backoffMs } from '../base/backoff.ts'
import type { Clock } from '../base/clock.ts'
import type { Random } from '../base/random.ts'
import type { Result } from '../base/result.ts'
import type { Archive, ArchiveError } from './archive.ts'

/** A second at first, so that a lost packet costs little; 15 s at most, so that a person sees the link come back. */
const waits: BackoffRange = { firstMs: 1_000, capMs: 15_000, floorMs: 250 }

export interface Patience {
  readonly clock: Clock
  readonly random: Random
  /** Attempts in all before the error is handed on; `Infinity` waits for ever. */
  readonly attemptsMax: number
  /** Told before each wait, for a person who looks on. */
  readonly tell?: (message: string) => void
}

export function patientArchive(archive: Archive, patience: Patience): Archive {
  async function insist<T>(
    ask: () => Promise<Result<T, ArchiveError>>,
    signal: AbortSignal | undefined,
  ): Promise<Result<T, ArchiveError>> {
    for (let failures = 1; ; failures += 1) {
      const answer = await ask()
      if (answer.ok || answer.error.kind !== 'unanswered') return answer
      if (failures >= patience.attemptsMax || signal?.aborted === true) return answer
      const waitMs = backoffMs(waits, failures, patience.random)
      patience.tell?.(`${answer.error.message} Trying again in ${(waitMs / 1000).toFixed(1)} s.`)
      await patience.clock.sleep(waitMs, signal)
    }
  }
  return {
    stat: (key, signal) => insist(() => archive.stat(key, signal), signal),
    readRange: (key, start, end, signal) => insist(() => archive.readRange(key, start, end, signal), signal),
    list: (prefix, delimiter, signal) => insist(() => archive.list(prefix, delimiter, signal), signal),
  }
}

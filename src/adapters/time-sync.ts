/**
 * Does the system keep its clock by NTP? systemd-timesyncd touches a file at each answer of a time server; while that is
 * young, the system's clock is a witness of the time beside the store's answers (`uplink/time-correction.ts`).
 *
 * The file is in /run, so one from before this boot does not exist. Systems with another NTP service have no such file:
 * then the store alone is heard, as without this. Source: systemd-timesyncd(8).
 */
import { stat } from 'node:fs/promises'
import type { Clock } from '../base/clock.ts'

const synchronizedFile = '/run/systemd/timesync/synchronized'
/** timesyncd asks every 34 minutes at the latest; looking once a minute costs one call. */
const lookMs = 60_000
/** What an answer over a bad mobile link may be off by, in ms. */
const answerErrorMs = 250
/** Drift of a cheap crystal in the cold, per ms since the last answer. */
const driftPerMs = 100e-6
/** A clock that was last set longer ago is nobody's witness: two missed answers. */
const ageMsMax = 70 * 60_000

export interface TimeSyncWorld {
  readonly clock: Clock
  /** The system's clock is right now, within this many ms. */
  readonly isRight: (errorMs: number) => void
  /** For tests. */
  readonly file?: string
}

/** Until `signal` aborts. */
export async function watchTimeSync(
  { clock, isRight, file = synchronizedFile }: TimeSyncWorld,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    const touchedMs = await stat(file).then(
      ({ mtimeMs }) => mtimeMs,
      () => undefined,
    )
    const ageMs = touchedMs === undefined ? undefined : clock.wall() - touchedMs
    if (ageMs !== undefined && ageMs >= 0 && ageMs <= ageMsMax) isRight(answerErrorMs + ageMs * driftPerMs)
    await clock.sleep(lookMs, signal)
  }
}

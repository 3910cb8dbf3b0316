/**
 * The moment a recording gets its name: one synced row, before its first append. The name never changes, so it waits
 * until one answer from the store has made this boot's time known; a wrong clock therefore never stops the upload and
 * never names an object. Recordings of a boot that ended without ever learning the time are named `unsynced`.
 */
import type { Clock, WallTime } from '../base/clock.ts'
import type { Random } from '../base/random.ts'
import { type Place, playlistKeyOf, recordingKey } from '../format/names.ts'
import { type Claim, type RecordingHead, trackKind } from '../format/recording.ts'
import type { Backlog } from './backlog.ts'

/** 8 bytes: two equal tokens are a bug, or two devices with one id; never chance. */
const tokenBytes = 8

export interface ClaimContext {
  readonly place: Place
  readonly backlog: Backlog
  readonly clock: Clock
  readonly wallTime: WallTime
  readonly random: Random
}

/** The claim for a recording, or `undefined` while this boot's time is not known. */
export function claimFor(context: ClaimContext, head: RecordingHead): Claim | undefined {
  const now = context.wallTime.at(context.clock.mono())
  if (now === undefined) return undefined
  const start = startOf(context, head)
  const token = context.random.hex(tokenBytes)
  const key = recordingKey(context.place, head, token, { startMs: start?.wallMs, claimedAtMs: now.wallMs })
  const playlist = trackKind(head.id.track) === 'video' ? { playlistKey: playlistKeyOf(key) } : {}
  return { key, token, ...playlist, ...(start === undefined ? {} : { start }) }
}

function startOf(context: ClaimContext, head: RecordingHead): Claim['start'] {
  const offset = bootOffset(context, head.id.boot)
  return offset === undefined ? undefined : { wallMs: head.startMonoMs + offset.ms, errorMs: offset.errorMs }
}

/** wall = mono + offset for any boot we remember; `undefined` where it never learnt the time. */
function bootOffset(
  context: Pick<ClaimContext, 'backlog' | 'clock' | 'wallTime'>,
  boot: number,
): { readonly ms: number; readonly errorMs: number } | undefined {
  if (boot !== context.backlog.boot.counter) return context.backlog.bootTime(boot)?.offset
  const mono = context.clock.mono()
  const now = context.wallTime.at(mono)
  return now === undefined ? undefined : { ms: now.wallMs - mono, errorMs: now.errorMs }
}

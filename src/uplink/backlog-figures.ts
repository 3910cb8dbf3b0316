/** What the backlog amounts to, for status and log. */
import { cameraOf } from '../format/recording.ts'
import type { UplinkStatus } from '../format/status.ts'
import type { Backlog } from './backlog.ts'

/** Bytes held and not confirmed. */
export function waitingBytes(backlog: Backlog): number {
  let bytes = 0
  for (const id of backlog.held()) for (const chunk of backlog.recording(id)?.pending ?? []) bytes += chunk.length
  return bytes
}

/** The objects that are growing now. */
export function openObjects(backlog: Backlog): UplinkStatus['objects'] {
  return backlog.held().flatMap((id) => {
    const held = backlog.recording(id)
    if (held?.claim === undefined || held.closed) return []
    return [{ track: cameraOf(id.track) ?? id.track, key: held.claim.key, bytes: held.arrived.length }]
  })
}

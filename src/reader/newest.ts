/**
 * A camera's newest recording: what `list` shows beside each camera, and what the page plays live. A day is looked
 * through first, since whole cameras have 17,000 objects a year; only a camera that was silent for a day costs more.
 */
import { ok, type Result } from '../base/result.ts'
import { type Place, startInKey } from '../format/names.ts'
import type { Archive, ArchiveError } from './archive.ts'
import { listCameraKeys } from './recordings.ts'

const dayMs = 86_400_000

export interface NewestRecording {
  readonly key: string
  readonly bytes: number
  readonly startMs: number
}

/** `undefined`: the camera has no dated recording. */
export async function newestRecording(
  archive: Archive,
  name: { readonly place: Place; readonly camera: string },
  nowMs: number,
  signal?: AbortSignal,
): Promise<Result<NewestRecording | undefined, ArchiveError>> {
  for (const range of [{ nowMs, sinceMs: nowMs - dayMs }, { nowMs }]) {
    const keys = await listCameraKeys(archive, name.place, name.camera, range, signal)
    if (!keys.ok) return keys
    const newest = keys.value.filter(({ key }) => key.endsWith('.ts') && startInKey(key) !== undefined).at(-1)
    if (newest !== undefined) {
      return ok({ key: newest.key, bytes: newest.length, startMs: startInKey(newest.key) ?? 0 })
    }
  }
  return ok(undefined)
}

/**
 * What a person means by `front-door`, `shed-2/front-door` or `site/video/…/x.ts`: a camera of this device, a camera of
 * another one below the same prefix, or one object.
 */
import { ok, type Result } from '../base/result.ts'
import type { Place } from '../format/names.ts'
import type { Archive, ArchiveError } from './archive.ts'
import { listCameras } from './recordings.ts'

export type Named =
  | { readonly kind: 'camera'; readonly place: Place; readonly camera: string }
  | { readonly kind: 'object'; readonly place: Place; readonly key: string }

/** The store is asked only where a name could be either. */
export async function resolveTarget(
  archive: Archive,
  place: Place,
  name: string,
  signal: AbortSignal,
): Promise<Result<Named, ArchiveError>> {
  if (!name.includes('/')) {
    return ok(name.includes('.') ? { kind: 'object', place, key: name } : { kind: 'camera', place, camera: name })
  }
  const [device = '', camera = '', ...more] = name.split('/')
  if (more.length > 0 || camera.includes('.')) return ok({ kind: 'object', place, key: name })
  const cameras = await listCameras(archive, place.prefix, signal)
  if (!cameras.ok) return cameras
  const known = cameras.value.some((one) => one.device === device && one.camera === camera)
  if (known) return ok({ kind: 'camera', place: { ...place, device }, camera })
  return ok({ kind: 'object', place, key: name })
}

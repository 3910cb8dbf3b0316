/**
 * What a new object is told once, at its first append: later appends may not repeat it (source: OSS, "AppendObject").
 * Device, camera and token stand in the metadata, so that an object that lost its name can still be attributed.
 */
import { objectHeaders } from '../config/object-headers.ts'
import type { StoreSettings } from '../config/settings.ts'
import type { Claim } from '../format/recording.ts'
import type { CreationHeaders } from './object-store.ts'

export type ObjectContent = 'video' | 'playlist' | 'records'

const contentTypes: Readonly<Record<ObjectContent, string>> = {
  video: 'video/mp2t',
  playlist: 'application/vnd.apple.mpegurl',
  records: 'application/x-ndjson',
}
/** Where the settings say nothing: objects grow, so whoever keeps a copy has to ask again before using it. */
const defaultCacheControl = 'no-cache'

/** The function that `JobWorld.creation` wants. */
export function creationHeaders(
  device: string,
  store: StoreSettings,
): (what: ObjectContent, camera: string | undefined, claim: Claim) => CreationHeaders {
  return (what, camera, claim) => ({
    contentType: contentTypes[what],
    headers: {
      'Cache-Control': defaultCacheControl,
      ...objectHeaders(store),
      'x-oss-meta-device': device,
      ...(camera === undefined ? {} : { 'x-oss-meta-camera': camera }),
      'x-oss-meta-token': claim.token,
    },
  })
}

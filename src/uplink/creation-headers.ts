/**
 * What a new object is told once, at its first append: later appends may not repeat it (source: OSS, "AppendObject").
 * Device, camera and token stand in the metadata, so that an object that lost its name can still be attributed.
 */
import type { StoreSettings } from '../config/settings.ts'
import type { Claim } from '../format/recording.ts'
import type { CreationHeaders } from './object-store.ts'

export type ObjectSettings = StoreSettings['objects']
export type ObjectContent = 'video' | 'playlist' | 'records'

const contentTypes: Readonly<Record<ObjectContent, string>> = {
  video: 'video/mp2t',
  playlist: 'application/vnd.apple.mpegurl',
  records: 'application/x-ndjson',
}
/** Objects grow, so whoever keeps a copy has to ask again before using it. */
const defaultCacheControl = 'no-cache'

/** The function that `JobWorld.creation` wants. */
export function createCreationHeaders(
  device: string,
  settings: ObjectSettings,
): (what: ObjectContent, camera: string | undefined, claim: Claim) => CreationHeaders {
  return (what, camera, claim) => ({
    contentType: contentTypes[what],
    headers: {
      ...objectHeaders(settings),
      'x-oss-meta-device': device,
      ...(camera === undefined ? {} : { 'x-oss-meta-camera': camera }),
      'x-oss-meta-token': claim.token,
    },
  })
}

/** Those that do not depend on who writes. Also for objects appended by hand. */
export function objectHeaders(settings: ObjectSettings): Readonly<Record<string, string>> {
  const { acl, storageClass, serverSideEncryption, cacheControl, tags } = settings
  const tagging = Object.entries(tags ?? {}).map(
    ([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`,
  )
  return {
    'Cache-Control': cacheControl ?? defaultCacheControl,
    ...(acl === undefined ? {} : { 'x-oss-object-acl': acl }),
    ...(storageClass === undefined ? {} : { 'x-oss-storage-class': storageClass }),
    ...(serverSideEncryption === undefined ? {} : { 'x-oss-server-side-encryption': serverSideEncryption }),
    ...(tagging.length === 0 ? {} : { 'x-oss-tagging': tagging.join('&') }),
  }
}

/**
 * What the settings say about new objects, as headers of the request that creates one. Sent at position 0 only.
 * Source: OSS API reference, AppendObject, request headers.
 */
import type { StoreSettings } from './settings.ts'

/** Without content type and `x-oss-meta-*`, which depend on the object. */
export function objectHeaders({ objects }: StoreSettings): Record<string, string> {
  const { acl, storageClass, serverSideEncryption, tags, cacheControl } = objects
  const tagging = Object.entries(tags).map(
    ([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`,
  )
  return {
    ...(acl === undefined ? {} : { 'x-oss-object-acl': acl }),
    ...(storageClass === undefined ? {} : { 'x-oss-storage-class': storageClass }),
    ...(serverSideEncryption === undefined ? {} : { 'x-oss-server-side-encryption': serverSideEncryption }),
    ...(tagging.length === 0 ? {} : { 'x-oss-tagging': tagging.join('&') }),
    ...(cacheControl === undefined ? {} : { 'Cache-Control': cacheControl }),
  }
}

/** Head, object meta, get, ACL and tags: what only looks. */
import { checkKey } from './address.ts'
import type { StoredObject } from './object-store.ts'
import { headerOf, type OssRequest, queryOf, type Reply, type Surroundings } from './operation.ts'
import { readRange } from './range.ts'
import { Refusal, refusals } from './refusal.ts'
import { encryptionOf } from './write-operations.ts'
import { xmlDocument } from './xml.ts'

export function headObject(request: OssRequest, surroundings: Surroundings): Reply {
  const found = look(request, surroundings)
  if (isUnchanged(request, found)) return { status: 304, headers: validators(found) }
  return { status: 200, headers: { ...describe(found), 'content-length': found.bytes } }
}

/** GetObjectMeta: length, ETag, date and checksum; neither the type nor the next position. */
export function objectMeta(request: OssRequest, surroundings: Surroundings): Reply {
  const found = look(request, surroundings)
  const headers = { ...validators(found), 'x-oss-hash-crc64ecma': found.crc64 }
  // By GET the length cannot be said in Content-Length, since nothing follows; OSS documents HEAD and GET alike.
  return { status: 200, headers: request.method === 'HEAD' ? { ...headers, 'content-length': found.bytes } : headers }
}

export function getObject(request: OssRequest, surroundings: Surroundings): Reply {
  const found = look(request, surroundings)
  if (isUnchanged(request, found)) return { status: 304, headers: validators(found) }
  const standard = headerOf(request, 'x-oss-range-behavior') === 'standard'
  const slice = readRange(headerOf(request, 'range'), found.bytes, standard)
  const headers = { ...describe(found), ...overrides(request) }
  if (!slice.part) {
    return {
      status: 200,
      headers: { ...headers, 'content-length': found.bytes },
      content: { key: found.key, start: 0, end: found.bytes - 1 },
    }
  }
  const { start, end } = slice
  return {
    status: 206,
    headers: { ...headers, 'content-length': end - start + 1, 'content-range': `bytes ${start}-${end}/${found.bytes}` },
    content: { key: found.key, start, end },
  }
}

export function objectAcl(request: OssRequest, surroundings: Surroundings): Reply {
  const { creation } = look(request, surroundings)
  const content = xmlDocument('AccessControlPolicy', {
    Owner: { ID: 'stand-in', DisplayName: 'stand-in' },
    AccessControlList: { Grant: creation.acl },
  })
  return { status: 200, headers: { 'content-type': 'application/xml' }, content }
}

export function objectTagging(request: OssRequest, surroundings: Surroundings): Reply {
  const { creation } = look(request, surroundings)
  const Tag = Object.entries(creation.tags ?? {}).map(([Key, Value]) => ({ Key, Value }))
  return {
    status: 200,
    headers: { 'content-type': 'application/xml' },
    content: xmlDocument('Tagging', { TagSet: { Tag } }),
  }
}

function look(request: OssRequest, { store }: Surroundings): StoredObject {
  checkKey(request.key)
  const found = store.find(request.key)
  if (found === undefined) throw refusals.noSuchKey(request.key)
  return found
}

function validators(found: StoredObject) {
  return { etag: `"${found.etag}"`, 'last-modified': new Date(found.modifiedMs).toUTCString() }
}

function describe(found: StoredObject) {
  const { creation } = found
  const tagCount = Object.keys(creation.tags ?? {}).length
  return {
    'content-type': 'application/octet-stream',
    ...creation.headers,
    ...validators(found),
    ...encryptionOf(found),
    ...(found.md5 === undefined ? {} : { 'content-md5': found.md5 }),
    ...(tagCount === 0 ? {} : { 'x-oss-tagging-count': String(tagCount) }),
    ...(found.type === 'Appendable' ? { 'x-oss-next-append-position': String(found.bytes) } : {}),
    'accept-ranges': 'bytes',
    'x-oss-object-type': found.type,
    'x-oss-hash-crc64ecma': found.crc64,
    'x-oss-storage-class': creation.storageClass,
  }
}

/** 304 is an answer, 412 a refusal; If-Match goes before If-Unmodified-Since, If-None-Match before If-Modified-Since. */
function isUnchanged(request: OssRequest, found: StoredObject): boolean {
  const asked = (name: string) => headerOf(request, name)
  // Dates in headers have whole seconds.
  const modifiedMs = Math.floor(found.modifiedMs / 1000) * 1000
  const names = (list: string) =>
    list === '*' || list.split(',').some((one) => one.trim().replaceAll('"', '') === found.etag)
  const match = asked('if-match')
  const unmodified = Date.parse(asked('if-unmodified-since') ?? '')
  if (match !== undefined && !names(match)) throw refusals.preconditionFailed('If-Match')
  if (modifiedMs > unmodified) throw refusals.preconditionFailed('If-Unmodified-Since')
  const noneMatch = asked('if-none-match')
  if (noneMatch !== undefined) return names(noneMatch)
  return modifiedMs <= Date.parse(asked('if-modified-since') ?? '')
}

/** A signed link may say how its answer is to be labelled. Anonymous requests may not. */
function overrides(request: OssRequest): Record<string, string> {
  const found: Record<string, string> = {}
  for (const name of [
    'content-type',
    'content-language',
    'expires',
    'cache-control',
    'content-disposition',
    'content-encoding',
  ]) {
    const value = queryOf(request, `response-${name}`)
    if (value === undefined) continue
    if (/[\r\n]/.test(value))
      throw new Refusal([400, 'InvalidArgument', `response-${name} is invalid.`, '0016-00000500'])
    found[name] = value
  }
  return found
}

/** Append, put, copy and delete: what changes the bucket. */

import { checkKey } from './address.ts'
import { bodyOf } from './body.ts'
import { hasMeta, keptHeaders, readCreation } from './creation-headers.ts'
import type { StoredObject } from './object-store.ts'
import { headerOf, type OssRequest, queryOf, type Reply, type Surroundings } from './operation.ts'
import { refusals } from './refusal.ts'
import { xmlDocument } from './xml.ts'

/**
 * AppendObject: commits only when `position` is the object's length, and answers with the length and the checksum of the
 * whole object. Creation headers count when this append makes the object; metadata on a later one is refused.
 */
export async function appendObject(request: OssRequest, { store, nowMs }: Surroundings): Promise<Reply> {
  checkKey(request.key)
  const asked = queryOf(request, 'position')
  if (asked === undefined || asked === '') throw refusals.positionMissing()
  if (!/^\d{1,15}$/.test(asked)) throw refusals.positionNotNumber(asked)
  const position = Number(asked)
  if (position > 0 && hasMeta(request.headers)) {
    throw refusals.invalidArgument('Metadata is accepted by the first append only.', 'x-oss-meta', '', '0016-00000504')
  }
  checkDigest(request)
  const made = await store.append(request.key, position, request.body, {
    nowMs: nowMs(),
    creation: () => readCreation(request.headers, true),
  })
  return {
    status: 200,
    headers: {
      etag: `"${made.etag}"`,
      'x-oss-next-append-position': String(made.bytes),
      'x-oss-hash-crc64ecma': made.crc64,
      ...encryptionOf(made),
    },
  }
}

/** PutObject: makes a Normal object, in place of an appendable one too. */
export async function putObject(request: OssRequest, { store, nowMs }: Surroundings): Promise<Reply> {
  checkKey(request.key)
  checkDigest(request)
  const creation = readCreation(request.headers, false)
  const keepExisting = headerOf(request, 'x-oss-forbid-overwrite') === 'true'
  const made = await store.put(request.key, request.body, { nowMs: nowMs(), creation, keepExisting })
  return {
    status: 200,
    headers: {
      etag: `"${made.etag}"`,
      'content-md5': made.md5,
      'x-oss-hash-crc64ecma': made.crc64,
      ...encryptionOf(made),
    },
  }
}

/** CopyObject: onto itself it changes metadata; an appendable object goes nowhere else. */
export async function copyObject(request: OssRequest, { store, nowMs }: Surroundings): Promise<Reply> {
  checkKey(request.key)
  const [bucket, sourceKey] = readSource(headerOf(request, 'x-oss-copy-source') ?? '')
  if (bucket !== request.bucket) throw refusals.noSuchBucket(bucket)
  const source = store.find(sourceKey)
  if (source === undefined) throw refusals.noSuchKey(sourceKey)
  const replaces = headerOf(request, 'x-oss-metadata-directive')?.toUpperCase() === 'REPLACE'
  let made: StoredObject
  if (sourceKey === request.key) {
    const headers = replaces ? keptHeaders(request.headers) : source.creation.headers
    made = await store.setHeaders(request.key, headers, nowMs())
  } else {
    if (source.type === 'Appendable') throw refusals.copyOfAppendable()
    const { found, handle } = await store.open(sourceKey)
    const bytes = await handle.readFile().finally(() => handle.close())
    const asked = readCreation(request.headers, false)
    const creation = { ...asked, headers: replaces ? asked.headers : found.creation.headers }
    made = await store.put(request.key, bodyOf(bytes), { nowMs: nowMs(), creation })
  }
  const content = xmlDocument('CopyObjectResult', {
    LastModified: new Date(made.modifiedMs).toISOString(),
    ETag: `"${made.etag}"`,
  })
  return { status: 200, headers: { 'content-type': 'application/xml', 'x-oss-hash-crc64ecma': made.crc64 }, content }
}

/** DeleteObject: 204 whether or not there was one. */
export async function deleteObject(request: OssRequest, { store }: Surroundings): Promise<Reply> {
  checkKey(request.key)
  await store.remove(request.key)
  return { status: 204, headers: {} }
}

export const encryptionOf = ({ creation }: StoredObject) =>
  creation.encryption === undefined ? {} : { 'x-oss-server-side-encryption': creation.encryption }

function readSource(text: string): [bucket: string, key: string] {
  let path: string
  try {
    path = decodeURIComponent(text.split('?')[0] ?? '')
  } catch {
    throw refusals.invalidArgument('The copy source is invalid.', 'x-oss-copy-source', text)
  }
  const found = /^\/?([^/]+)\/(.+)$/s.exec(path)
  if (found === null) throw refusals.invalidArgument('The copy source is invalid.', 'x-oss-copy-source', text)
  return [found[1] ?? '', found[2] ?? '']
}

function checkDigest(request: OssRequest): void {
  const claimed = headerOf(request, 'content-md5')
  if (claimed === undefined) return
  if (Buffer.from(claimed, 'base64').length !== 16)
    throw refusals.invalidDigest('The Content-MD5 you specified was invalid.')
  if (claimed !== request.body.md5) {
    throw refusals.invalidDigest('The Content-MD5 you specified did not match what we received.')
  }
}

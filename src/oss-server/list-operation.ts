/** ListObjectsV2 and ListObjects: keys in byte order, folded at a delimiter, page by page. */
import type { StoredObject } from './object-store.ts'
import { type OssRequest, queryOf, type Reply, type Surroundings } from './operation.ts'
import { refusals } from './refusal.ts'
import { type XmlElement, xmlDocument } from './xml.ts'

const pageKeysDefault = 100
const pageKeysMax = 1000

interface Page {
  readonly objects: readonly StoredObject[]
  readonly prefixes: readonly string[]
  /** Continue after this; undefined when the page is the last. */
  readonly next: string | undefined
}

export function listObjects(request: OssRequest, { store }: Surroundings): Reply {
  const version = queryOf(request, 'list-type')
  if (version !== undefined && version !== '2') {
    throw refusals.invalidArgument('list-type must be 2.', 'list-type', version)
  }
  const asked = {
    prefix: queryOf(request, 'prefix') ?? '',
    delimiter: queryOf(request, 'delimiter') ?? '',
    maxKeys: readMaxKeys(queryOf(request, 'max-keys')),
    encode: readEncoding(queryOf(request, 'encoding-type')),
  }
  const token = queryOf(request, 'continuation-token')
  const startAfter = queryOf(request, 'start-after')
  const marker =
    version === '2' ? (token === undefined ? (startAfter ?? '') : readToken(token)) : (queryOf(request, 'marker') ?? '')
  const page = cutPage(store.keys(), { ...asked, marker }, (key) => store.find(key))

  const encode = asked.encode ? encodeURIComponent : (text: string) => text
  const withOwner = version !== '2' || queryOf(request, 'fetch-owner') === 'true'
  const common: XmlElement = {
    Name: request.bucket,
    Prefix: encode(asked.prefix),
    MaxKeys: asked.maxKeys,
    Delimiter: encode(asked.delimiter),
    EncodingType: asked.encode ? 'url' : undefined,
    IsTruncated: page.next !== undefined,
  }
  const found: XmlElement = {
    Contents: page.objects.map((object) => entry(object, encode, withOwner)),
    CommonPrefixes: page.prefixes.map((prefix) => ({ Prefix: encode(prefix) })),
  }
  const position: XmlElement =
    version === '2'
      ? {
          StartAfter: startAfter === undefined ? undefined : encode(startAfter),
          ContinuationToken: token,
          NextContinuationToken: page.next === undefined ? undefined : makeToken(page.next),
          KeyCount: page.objects.length + page.prefixes.length,
        }
      : { Marker: encode(marker), NextMarker: page.next === undefined ? undefined : encode(page.next) }
  const content = xmlDocument('ListBucketResult', { ...common, ...position, ...found })
  return { status: 200, headers: { 'content-type': 'application/xml' }, content }
}

function cutPage(
  keys: readonly string[],
  asked: { prefix: string; delimiter: string; maxKeys: number; marker: string },
  find: (key: string) => StoredObject | undefined,
): Page {
  const objects: StoredObject[] = []
  const prefixes: string[] = []
  let last = ''
  for (const key of keys) {
    if (!key.startsWith(asked.prefix) || (asked.marker !== '' && !isAfter(key, asked.marker))) continue
    const cut = asked.delimiter === '' ? -1 : key.indexOf(asked.delimiter, asked.prefix.length)
    const folded = cut === -1 ? undefined : key.slice(0, cut + asked.delimiter.length)
    // A page that ended in a folded prefix continues after everything beneath it.
    if (folded !== undefined && (folded === asked.marker || folded === prefixes.at(-1))) continue
    if (objects.length + prefixes.length === asked.maxKeys) return { objects, prefixes, next: last }
    last = folded ?? key
    const object = find(key)
    if (folded !== undefined) prefixes.push(folded)
    else if (object !== undefined) objects.push(object)
  }
  return { objects, prefixes, next: undefined }
}

const isAfter = (key: string, marker: string): boolean => Buffer.compare(Buffer.from(key), Buffer.from(marker)) > 0

function entry(object: StoredObject, encode: (text: string) => string, withOwner: boolean): XmlElement {
  return {
    Key: encode(object.key),
    LastModified: new Date(object.modifiedMs).toISOString(),
    ETag: `"${object.etag}"`,
    Type: object.type,
    Size: object.bytes,
    StorageClass: object.creation.storageClass,
    Owner: withOwner ? { ID: 'stand-in', DisplayName: 'stand-in' } : undefined,
  }
}

function readMaxKeys(text: string | undefined): number {
  if (text === undefined) return pageKeysDefault
  const count = Number(text)
  if (!/^\d+$/.test(text) || count < 1 || count > pageKeysMax) {
    throw refusals.invalidArgument('max-keys must be 1 to 1000.', 'max-keys', text)
  }
  return count
}

function readEncoding(text: string | undefined): boolean {
  if (text === undefined) return false
  if (text !== 'url') throw refusals.invalidArgument('encoding-type must be url.', 'encoding-type', text)
  return true
}

const makeToken = (last: string): string => Buffer.from(last).toString('base64')

function readToken(token: string): string {
  const last = Buffer.from(token, 'base64').toString()
  if (last === '' || makeToken(last) !== token) {
    throw refusals.invalidArgument('The continuation token is invalid.', 'continuation-token', token)
  }
  return last
}

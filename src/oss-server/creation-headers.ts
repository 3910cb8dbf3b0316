/**
 * What an object is told about itself when it is made: the headers of a Put or of an append at position 0, checked, kept,
 * and given back on HEAD and GET where OSS gives them back.
 */
import type { IncomingHttpHeaders } from 'node:http'
import { refusals } from './refusal.ts'

export interface Creation {
  /** Given back as they came: content-type, cache-control …, x-oss-meta-*. Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  readonly acl: string
  readonly storageClass: string
  readonly encryption?: string
  readonly tags?: Readonly<Record<string, string>>
}

const kept = ['content-type', 'cache-control', 'content-disposition', 'content-encoding', 'content-language', 'expires']
const acls = ['default', 'private', 'public-read', 'public-read-write']
const storageClasses = ['Standard', 'IA', 'Archive', 'ColdArchive', 'DeepColdArchive']
/** OSS: names and values of x-oss-meta-* together. */
const metaBytesMax = 8192
/** OSS: 10 tags, keys up to 128 and values up to 256 bytes. */
const tagsMax = 10

export const hasMeta = (headers: IncomingHttpHeaders): boolean =>
  Object.keys(headers).some((name) => name.startsWith('x-oss-meta-'))

/** Refuses what OSS refuses. `appendable` objects have fewer choices: no cold archive, no key of one's own. */
export function readCreation(headers: IncomingHttpHeaders, appendable: boolean): Creation {
  const storageClass = one(headers, 'x-oss-storage-class') ?? 'Standard'
  const acl = one(headers, 'x-oss-object-acl') ?? 'default'
  const encryption = one(headers, 'x-oss-server-side-encryption')
  const tagging = one(headers, 'x-oss-tagging')
  if (!storageClasses.includes(storageClass) || (appendable && storageClass.endsWith('ColdArchive'))) {
    throw refusals.invalidArgument(
      'The storage class is not supported here.',
      'x-oss-storage-class',
      storageClass,
      '0016-00000503',
    )
  }
  if (!acls.includes(acl))
    throw refusals.invalidArgument('no such object access control exists', 'x-oss-object-acl', acl)
  if (encryption !== undefined && !['AES256', 'KMS', 'SM4'].includes(encryption)) {
    throw refusals.invalidArgument('The encryption is not supported.', 'x-oss-server-side-encryption', encryption)
  }
  const keyId = one(headers, 'x-oss-server-side-encryption-key-id')
  if (appendable && keyId !== undefined) {
    throw refusals.invalidArgument(
      'An appendable object cannot be encrypted with a key id.',
      'x-oss-server-side-encryption-key-id',
      keyId,
    )
  }
  return {
    headers: keptHeaders(headers),
    acl,
    storageClass,
    ...(encryption === undefined ? {} : { encryption }),
    ...(tagging === undefined ? {} : { tags: readTags(tagging) }),
  }
}

/** Content headers and user metadata alone; what a change of metadata replaces. */
export function keptHeaders(headers: IncomingHttpHeaders): Record<string, string> {
  const found: Record<string, string> = {}
  let metaBytes = 0
  for (const name of Object.keys(headers)) {
    const value = one(headers, name)
    if (value === undefined) continue
    if (name.startsWith('x-oss-meta-')) {
      if (!/^x-oss-meta-[a-z0-9-]+$/.test(name)) {
        throw refusals.invalidArgument('Metadata names hold letters, digits and hyphens only.', name, value)
      }
      metaBytes += name.length + value.length
    } else if (!kept.includes(name)) continue
    found[name] = value
  }
  if (metaBytes > metaBytesMax) {
    throw refusals.invalidArgument('The metadata exceeds 8 KB.', 'x-oss-meta', String(metaBytes))
  }
  return found
}

function readTags(text: string): Record<string, string> {
  const tags = Object.fromEntries(new URLSearchParams(text))
  const names = Object.keys(tags)
  const tooLong = names.some((name) => name === '' || name.length > 128 || (tags[name] ?? '').length > 256)
  if (names.length > tagsMax || tooLong) {
    throw refusals.invalidArgument('The tags are invalid.', 'x-oss-tagging', text)
  }
  return tags
}

function one(headers: IncomingHttpHeaders, name: string): string | undefined {
  const value = headers[name]
  return Array.isArray(value) ? value.join(',') : value
}

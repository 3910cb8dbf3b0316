/** Which bucket and key does this request mean? Decided from Host and path alone, as a gateway does. */
import { isIP } from 'node:net'
import { refusals } from './refusal.ts'

export interface Address {
  /** Empty for the service itself (`/` on the plain endpoint). */
  readonly bucket: string
  /** Empty for the bucket itself. */
  readonly key: string
  /** In the order sent; a parameter without value has ''. */
  readonly query: readonly (readonly [string, string])[]
}
export interface AddressRules {
  readonly bucket: string
  /** True: a host that names no bucket is a custom domain bound to ours, and the whole path is the key. */
  readonly cname: boolean
}

/** OSS: 1 to 1023 bytes of UTF-8. */
const keyBytesMax = 1023

export function readAddress(host: string, url: string, rules: AddressRules): Address {
  const mark = url.indexOf('?')
  const path = decode(mark === -1 ? url : url.slice(0, mark))
  const query = mark === -1 ? [] : readQuery(url.slice(mark + 1))
  const name = host
    .replace(/:\d+$/, '')
    .replace(/^\[|\]$/g, '')
    .toLowerCase()
  const rest = path.slice(1)

  if (name.startsWith(`${rules.bucket}.`)) return { bucket: rules.bucket, key: rest, query }
  if (rules.cname) return { bucket: rules.bucket, key: rest, query }
  if (isIP(name) !== 0 || name === 'localhost' || name === '') {
    const slash = rest.indexOf('/')
    if (slash === -1) return { bucket: rest, key: '', query }
    return { bucket: rest.slice(0, slash), key: rest.slice(slash + 1), query }
  }
  return { bucket: name.split('.')[0] ?? '', key: rest, query }
}

export function checkKey(key: string): void {
  const bytes = Buffer.byteLength(key)
  if (bytes < 1 || bytes > keyBytesMax || key.startsWith('/') || key.startsWith('\\') || key.includes('\ufffd')) {
    throw refusals.invalidName(key)
  }
}

/** A bucket's name: 3 to 63 of a–z, 0–9 and -, neither first nor last a -. */
export const isBucketName = (name: string): boolean => /^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$/.test(name)

function readQuery(text: string): (readonly [string, string])[] {
  return text
    .split('&')
    .filter((part) => part !== '')
    .map((part) => {
      const at = part.indexOf('=')
      const [name, value] = at === -1 ? [part, ''] : [part.slice(0, at), part.slice(at + 1)]
      return [decode(name.replaceAll('+', ' ')), decode(value.replaceAll('+', ' '))]
    })
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw refusals.invalidName(text)
  }
}

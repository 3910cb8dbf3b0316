/**
 * What the store really said. `ali-oss` throws away the headers of a refusal and most of its XML, so the transport keeps
 * each answer, and everything we conclude is read from it here.
 *
 * Only an answer with a request id is the store's. A hotel's login page answers 200, 302 and 404 too.
 */
export interface OssAnswer {
  readonly status: number
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
  readonly body: Uint8Array
}

/** The fields of a refusal that we use; each may be missing. */
export interface OssRefusal {
  readonly code: string | undefined
  readonly message: string | undefined
  /** OSS's own diagnosis number, for support. */
  readonly ec: string | undefined
  readonly serverTime: string | undefined
}

/** A refusal's XML is under 1 KiB; a captive portal's page may be anything. */
const refusalBytesMax = 16 * 1024

export function headerOf(answer: OssAnswer, name: string): string | undefined {
  const value = answer.headers[name]
  return typeof value === 'string' ? value : value?.[0]
}

export const requestIdOf = (answer: OssAnswer): string | undefined => headerOf(answer, 'x-oss-request-id') || undefined

/** Of a refusal's body, or, where there is none (HEAD), of the same XML in the header `x-oss-err`. */
export function refusalOf(answer: OssAnswer): OssRefusal {
  const inHeader = headerOf(answer, 'x-oss-err')
  const bytes = answer.body.length > 0 ? answer.body : Buffer.from(inHeader ?? '', 'base64')
  const xml = new TextDecoder().decode(bytes.subarray(0, refusalBytesMax))
  return {
    code: elementOf(xml, 'Code'),
    message: elementOf(xml, 'Message'),
    ec: elementOf(xml, 'EC') ?? headerOf(answer, 'x-oss-ec'),
    serverTime: elementOf(xml, 'ServerTime'),
  }
}

function elementOf(xml: string, name: string): string | undefined {
  const found = new RegExp(`<${name}>([^<]{1,500})</${name}>`).exec(xml)?.[1]?.trim()
  return found === '' ? undefined : found
}

/** A whole number in a header, 0 to 2^53 - 1; `undefined` for anything else. */
export function numberOf(answer: OssAnswer, name: string): number | undefined {
  const text = headerOf(answer, name)
  if (text === undefined || !/^\d{1,16}$/.test(text)) return undefined
  const value = Number(text)
  return Number.isSafeInteger(value) ? value : undefined
}

/** The store's clock in ms as this answer shows it. `ServerTime` of a skew refusal is preferred to the date header. */
export function clockOf(answer: OssAnswer): { readonly shownMs: number; readonly decisive: boolean } | undefined {
  if (requestIdOf(answer) === undefined) return undefined
  const { code, serverTime } = answer.status === 403 ? refusalOf(answer) : { code: undefined, serverTime: undefined }
  const told = Date.parse(serverTime ?? '')
  if (!Number.isNaN(told)) return { shownMs: told, decisive: code === 'RequestTimeTooSkewed' }
  const date = Date.parse(headerOf(answer, 'date') ?? '')
  return Number.isNaN(date) ? undefined : { shownMs: date, decisive: false }
}

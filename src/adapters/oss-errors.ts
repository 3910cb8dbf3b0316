/**
 * One table from the store's words to ours. Codes are documented by OSS ("Error codes"); the diagnosis numbers (EC) are
 * not meant to be programmed against and are only quoted. What to do about each kind stands in `uplink/store-errors.ts`.
 */
import { AssertionFailed } from '../base/assert.ts'
import type { StoreError, StoreErrorKind } from '../uplink/object-store.ts'
import { headerOf, numberOf, type OssAnswer, refusalOf, requestIdOf } from './oss-answer.ts'
import { lateCode } from './oss-transport.ts'

interface Meaning {
  readonly kind: StoreErrorKind
  /** What a person can do, if anything. */
  readonly hint?: string
}

const checkKey = 'Check the access key in the settings: it is unknown, disabled or expired.'
const checkRights =
  'The key may not do this: it needs oss:PutObject and oss:GetObject on these objects, and oss:PutObjectTagging for tags.'
const checkRegion = "Check store.region: it is not the bucket's."
const payFirst = 'The account or the bucket is suspended, often for unpaid bills; look into the Alibaba Cloud console.'

const meanings: Readonly<Record<string, Meaning>> = {
  PositionNotEqualToLength: { kind: 'position-mismatch' },
  StaleFile: { kind: 'busy' },
  ObjectNotAppendable: { kind: 'not-appendable' },
  FileImmutable: { kind: 'not-appendable' },
  FileAlreadyExists: { kind: 'not-appendable' },
  InvalidObjectState: { kind: 'not-appendable' },
  InvalidDigest: { kind: 'damaged' },
  // The body came too slowly: whether it was taken is not known.
  RequestTimeout: { kind: 'unanswered' },
  EntityTooLarge: { kind: 'full' },
  RequestTimeTooSkewed: { kind: 'clock-skewed' },
  SecurityTokenExpired: { kind: 'credentials-expired' },
  InvalidSecurityToken: { kind: 'credentials-expired' },
  AccessKeyIdAndSecurityTokenNotMatch: { kind: 'credentials-expired' },
  InvalidAccessKeyId: { kind: 'denied', hint: checkKey },
  SignatureDoesNotMatch: {
    kind: 'denied',
    hint: "Check the secret of the access key and store.region: both are part of each request's signature.",
  },
  InvalidArgument: { kind: 'rejected' },
  AccessDenied: { kind: 'denied', hint: checkRights },
  UserDisable: { kind: 'denied', hint: payFirst },
  InDebt: { kind: 'denied', hint: payFirst },
  InDebtOverdue: { kind: 'denied', hint: payFirst },
  AbnormalBucketOwnerStatus: { kind: 'denied', hint: payFirst },
  BucketDisable: { kind: 'denied', hint: payFirst },
  KmsServiceNotEnabled: {
    kind: 'denied',
    hint: 'store.objects.serverSideEncryption is KMS, which this account has not enabled.',
  },
  NoSuchBucket: { kind: 'denied', hint: 'Check store.bucket, store.region and store.endpoint.' },
  NoSuchKey: { kind: 'absent' },
  QpsLimitExceeded: { kind: 'busy' },
}

function meaningOf(
  status: number,
  {
    code,
    said,
    temporary,
  }: { readonly code: string | undefined; readonly said: string | undefined; readonly temporary: boolean },
): Meaning {
  if (code === undefined) return meaningOfStatus(status)
  if (temporary && code === 'InvalidAccessKeyId') return { kind: 'credentials-expired' }
  // OSS has no code of its own for it, and this setting is the one most easily got wrong.
  if (code === 'InvalidArgument' && said?.includes('signing region') === true)
    return { kind: 'denied', hint: checkRegion }
  return meanings[code] ?? meaningOfStatus(status)
}

/** For codes that are not in the table, and answers without a code. */
function meaningOfStatus(status: number): Meaning {
  if (status === 429 || status === 503) return { kind: 'busy' }
  if (status >= 500 || status < 200) return { kind: 'unanswered' }
  if (status === 404) return { kind: 'absent' }
  if (status === 401 || status === 403) return { kind: 'denied', hint: checkRights }
  return { kind: 'rejected' }
}

/**
 * @param what the sentence's beginning, such as `Appending to <key>`
 * @param temporary the request was signed with a temporary key: the store forgets such a key when it expires
 */
export function errorOfAnswer(answer: OssAnswer, what: string, temporary = false): StoreError {
  if (requestIdOf(answer) === undefined) {
    const message = `${what}: something that is not the store answered (HTTP ${answer.status}, no request id): a login page or a proxy?`
    // A gateway's 5xx says nothing about the request's fate, as silence does; the rest is nobody's word at all.
    return { kind: 'impostor', message }
  }
  const { code, message: said, ec } = refusalOf(answer)
  const { kind, hint } = meaningOf(answer.status, { code, said, temporary })
  const details = [code ?? `HTTP ${answer.status}`, said, ec === undefined ? undefined : `EC ${ec}`]
  const reason = `the store refused (${details.filter((part) => part !== undefined).join(', ')})`
  const asked = numberOf(answer, 'x-oss-qos-delay-time') ?? secondsOf(headerOf(answer, 'retry-after'))
  const retryAfterMs = asked === undefined ? undefined : Math.min(asked, retryAfterMsMax)
  return {
    kind,
    message: `${what}: ${reason}.${hint === undefined ? '' : ` ${hint}`}`,
    ...(code === undefined ? {} : { code }),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  }
}

/** A store that asks for more is asked again anyway: it may have mended. */
const retryAfterMsMax = 300_000

const secondsOf = (text: string | undefined): number | undefined =>
  text !== undefined && /^\d{1,4}$/.test(text) ? Number(text) * 1000 : undefined

/** System error codes a person may know, in words. */
const silences: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nobody listens at that address',
  ECONNRESET: 'the connection was cut',
  EPIPE: 'the connection was cut',
  ENOTFOUND: 'its name is not known to the name server',
  EAI_AGAIN: 'the name server does not answer',
  ENETUNREACH: 'the network is not reachable',
  EHOSTUNREACH: 'the host is not reachable',
  ETIMEDOUT: 'it did not answer in time',
  CERT_HAS_EXPIRED: 'its certificate has expired, or the clock of this machine is wrong',
  CERT_NOT_YET_VALID: 'its certificate is not valid yet: the clock of this machine is wrong',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is signed by nobody known here; set store.caFile if it is yours',
  SELF_SIGNED_CERT_IN_CHAIN: 'its certificate is signed by nobody known here; set store.caFile if it is yours',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its certificate is signed by nobody known here; set store.caFile if it is yours',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another name',
}

/** No answer at all. The error of the library is looked at for its code only: its text holds addresses and headers. */
export function errorOfSilence(error: unknown, what: string, aborted: boolean): StoreError {
  if (aborted) return { kind: 'unanswered', message: `${what}: given up, since the recorder is stopping.` }
  const { code } = (typeof error === 'object' && error !== null ? error : {}) as { code?: unknown }
  // A header that HTTP cannot carry: no waiting changes that.
  if (String(code).startsWith('ERR_INVALID_')) return errorBeforehand(error, what)
  const late = code === lateCode
  const why = late ? 'it did not answer in time' : silences[String(code)]
  const message = `${what}: the store did not answer${why === undefined ? '' : ` (${why})`}.`
  return { kind: 'unanswered', message, ...(late ? { code: lateCode } : {}) }
}

/** The request never left: a file of ours cannot be read, a setting is refused by the library. A broken rule is thrown. */
export function errorBeforehand(error: unknown, what: string): StoreError {
  if (error instanceof AssertionFailed) throw error
  const why = error instanceof Error ? (error.message.split('\n')[0] ?? '').slice(0, 300) : 'no reason given'
  return { kind: 'rejected', message: `${what}: the request could not be made (${why}).`, code: 'NotMade' }
}

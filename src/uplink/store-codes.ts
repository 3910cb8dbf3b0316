/**
 * One table from the store's words to what happens: each code of OSS, the kind it is for us, and what a person can do.
 * What the recorder does about each kind stands in `store-errors.ts`; together they are the table in the README, which a
 * test writes from here.
 *
 * Codes are documented by OSS ("Error codes"); the diagnosis numbers beside them (EC) are not meant to be programmed
 * against. A code that is not here is judged by its status.
 *
 * Pure.
 */
import type { StoreErrorKind } from './object-store.ts'
import { storeErrorRules } from './store-errors.ts'

export interface StoreMeaning {
  readonly kind: StoreErrorKind
  /** What a person can do; a sentence. */
  readonly hint?: string
}

interface StoreCode extends StoreMeaning {
  readonly status: number
  readonly code: string
}

const checkKey = 'Check the access key in the settings: it is unknown, disabled or expired.'
const checkRights =
  'The key may not do this: it needs oss:PutObject and oss:GetObject on these objects, and oss:PutObjectTagging for tags.'
const checkRegion = "Check store.region: it is not the bucket's."
const payFirst =
  'The account or the bucket is suspended, often for unpaid bills; look into the account at Alibaba Cloud.'
const checkToken = 'If it goes on: whoever writes store.credentialsFile has stopped; its temporary keys have ended.'
const unlock = 'Look for retention rules (WORM) or overwrite protection on the bucket: they forbid to append.'

export const storeCodes: readonly StoreCode[] = [
  { status: 400, code: 'EntityTooLarge', kind: 'full' },
  { status: 400, code: 'InvalidArgument', kind: 'rejected', hint: 'Check store.objects in the settings.' },
  {
    status: 400,
    code: 'InvalidDigest',
    kind: 'damaged',
    hint: 'If it goes on, look for a device on the way that changes data.',
  },
  { status: 400, code: 'InvalidObjectName', kind: 'rejected', hint: 'Check store.prefix in the settings.' },
  { status: 400, code: 'MissingArgument', kind: 'rejected' },
  // The body came too slowly: whether it was taken is not known.
  { status: 400, code: 'RequestTimeout', kind: 'unanswered' },
  { status: 403, code: 'AbnormalBucketOwnerStatus', kind: 'denied', hint: payFirst },
  { status: 403, code: 'AccessDenied', kind: 'denied', hint: checkRights },
  { status: 403, code: 'AccessKeyIdAndSecurityTokenNotMatch', kind: 'credentials-expired', hint: checkToken },
  { status: 403, code: 'BucketDisable', kind: 'denied', hint: payFirst },
  { status: 403, code: 'InDebt', kind: 'denied', hint: payFirst },
  { status: 403, code: 'InDebtOverdue', kind: 'denied', hint: payFirst },
  // Of a temporary key it says that the key has ended (`meaningOf`).
  { status: 403, code: 'InvalidAccessKeyId', kind: 'denied', hint: checkKey },
  {
    status: 403,
    code: 'InvalidObjectState',
    kind: 'not-appendable',
    hint: 'Look for a rule that archives new objects.',
  },
  { status: 403, code: 'InvalidSecurityToken', kind: 'credentials-expired', hint: checkToken },
  {
    status: 403,
    code: 'KmsServiceNotEnabled',
    kind: 'denied',
    hint: 'store.objects.serverSideEncryption is KMS, which this account has not enabled.',
  },
  { status: 403, code: 'RequestTimeTooSkewed', kind: 'clock-skewed' },
  { status: 403, code: 'SecurityTokenExpired', kind: 'credentials-expired', hint: checkToken },
  {
    status: 403,
    code: 'SignatureDoesNotMatch',
    kind: 'denied',
    hint: "Check the secret of the access key and store.region: both are part of each request's signature.",
  },
  { status: 403, code: 'UserDisable', kind: 'denied', hint: payFirst },
  { status: 404, code: 'NoSuchBucket', kind: 'denied', hint: 'Check store.bucket, store.region and store.endpoint.' },
  { status: 404, code: 'NoSuchKey', kind: 'absent' },
  { status: 409, code: 'FileAlreadyExists', kind: 'not-appendable', hint: unlock },
  { status: 409, code: 'FileImmutable', kind: 'not-appendable', hint: unlock },
  {
    status: 409,
    code: 'ObjectNotAppendable',
    kind: 'not-appendable',
    hint: 'Look for who else writes into the bucket.',
  },
  { status: 409, code: 'PositionNotEqualToLength', kind: 'position-mismatch' },
  // Somebody changes the object's metadata or tags at this moment; the append itself may be tried again.
  { status: 409, code: 'StaleFile', kind: 'position-mismatch' },
  { status: 411, code: 'MissingContentLength', kind: 'rejected', hint: 'A proxy on the way takes headers out.' },
  { status: 416, code: 'InvalidRange', kind: 'rejected' },
  { status: 429, code: 'QpsLimitExceeded', kind: 'busy' },
  { status: 500, code: 'InternalError', kind: 'unanswered' },
  { status: 503, code: 'ActiveRequestLimitExceeded', kind: 'busy' },
  { status: 503, code: 'DownloadTrafficRateLimitExceeded', kind: 'busy' },
  { status: 503, code: 'MetaOperationQpsLimitExceeded', kind: 'busy' },
  { status: 503, code: 'ServiceUnavailable', kind: 'busy' },
  { status: 503, code: 'TotalQpsLimitExceeded', kind: 'busy' },
  { status: 503, code: 'UploadTrafficRateLimitExceeded', kind: 'busy' },
]

/** For codes that are not in the table, and answers without a code: the first that fits. */
const statusRules: readonly (StoreMeaning & { readonly name: string; fits(status: number): boolean })[] = [
  { name: '429, 503', fits: (status) => status === 429 || status === 503, kind: 'busy' },
  { name: 'other 5xx, 1xx', fits: (status) => status >= 500 || status < 200, kind: 'unanswered' },
  { name: '404', fits: (status) => status === 404, kind: 'absent' },
  { name: '401, 403', fits: (status) => status === 401 || status === 403, kind: 'denied', hint: checkRights },
  { name: 'all others', fits: () => true, kind: 'rejected' },
]

const byCode = new Map(storeCodes.map((one) => [one.code, one]))

/** What a refusal says about its request, beside its code. */
export interface Refusal {
  readonly status: number
  readonly code: string | undefined
  /** The store's own sentence. */
  readonly said: string | undefined
  /** The request was signed with a temporary key: the store forgets such a key when it ends. */
  readonly temporary: boolean
}

export function meaningOf({ status, code, said, temporary }: Refusal): StoreMeaning {
  if (temporary && code === 'InvalidAccessKeyId') return { kind: 'credentials-expired', hint: checkToken }
  // OSS has no code of its own for it, and this setting is the one most easily got wrong.
  if (code === 'InvalidArgument' && said?.includes('signing region') === true)
    return { kind: 'denied', hint: checkRegion }
  const known = code === undefined ? undefined : byCode.get(code)
  return known ?? statusRules.find((rule) => rule.fits(status)) ?? { kind: 'rejected' }
}

/** The same keys were refused again after they had been read again: a person must act. */
export const stillRefused: StoreMeaning = {
  kind: 'denied',
  hint: `The keys have been read again and are refused again. ${checkToken}`,
}

/** The table of the README, in Markdown. */
export function storeErrorTable(): string {
  const rows = [
    ...storeCodes.map(({ status, code, ...meaning }) => row(String(status), code, meaning)),
    ...statusRules.map(({ name, ...meaning }) => row(name, 'any other', meaning)),
    row('any', 'no request id', { kind: 'impostor', hint: 'Accept the terms of a login page; look for a proxy.' }),
    row('–', 'no answer', { kind: 'unanswered', hint: 'Look at the link, the name server, store.endpoint.' }),
  ]
  return [
    '| HTTP | code | kind | what the recorder does | what a person can do |',
    '|---|---|---|---|---|',
    ...rows,
  ].join('\n')
}

const row = (status: string, code: string, { kind, hint }: StoreMeaning): string =>
  `| ${status} | ${code} | ${kind} | ${storeErrorRules[kind].does} | ${hint ?? ''} |`

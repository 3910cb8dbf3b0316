/**
 * What went wrong, in the uplink's words: of an answer, of silence, of a request that was never made. The table of codes
 * is `uplink/store-codes.ts`; here it meets what was really said. Diagnosis numbers (EC) are only quoted.
 */
import { AssertionFailed } from '../base/assert.ts'
import type { StoreError } from '../uplink/object-store.ts'
import { meaningOf, stillRefused } from '../uplink/store-codes.ts'
import { headerOf, numberOf, type OssAnswer, refusalOf, requestIdOf } from './oss-answer.ts'
import { lateCode } from './oss-transport.ts'

/**
 * @param what the sentence's beginning, such as `Appending to <key>`
 * @param keys `temporary`: the request was signed with a temporary key. `read again`: and with one that was read after
 *   the store had refused the last
 */
export function errorOfAnswer(
  answer: OssAnswer,
  what: string,
  keys: 'lasting' | 'temporary' | 'read again' = 'lasting',
): StoreError {
  if (requestIdOf(answer) === undefined) {
    const message = `${what}: something that is not the store answered (HTTP ${answer.status}, no request id): a login page or a proxy?`
    // A gateway's 5xx says nothing about the request's fate, as silence does; the rest is nobody's word at all.
    return { kind: 'impostor', message }
  }
  const { code, message: said, ec } = refusalOf(answer)
  const meaning = meaningOf({ status: answer.status, code, said, temporary: keys !== 'lasting' })
  const { kind, hint } = meaning.kind === 'credentials-expired' && keys === 'read again' ? stillRefused : meaning
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

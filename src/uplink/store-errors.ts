/**
 * What the uplink does about each way in which the store can fail it. One table; the loop in `uplink.ts` obeys it and
 * nobody else decides. A new kind of error is a new row, and the compiler asks for it.
 *
 * After any failure the plan asks the store where the object ends; `not-appendable` and `full` give the object up instead
 * (`drain.ts`). This table says who waits, how long, and what people are told. All waits have full jitter, so that a
 * fleet behind one broken link does not return in step.
 *
 * Pure: names waits, waits for nothing.
 */
import type { BackoffRange } from '../base/backoff.ts'
import type { StoreErrorKind } from './object-store.ts'

export interface StoreErrorRule {
  /**
   * Whose trouble it is. `link`: every object shares the wait. `object`: only this one waits. `both`: this object waits
   * long, the others try on with the link's wait.
   */
  readonly scope: 'link' | 'object' | 'both'
  /** Bounds of the n-th wait in a row. */
  readonly wait: BackoffRange
  /** True where no waiting helps until a person acts: status says `blocked`, and the log says what to do. */
  readonly needsPerson: boolean
  /** What the recorder does about it, for people; stands behind the sentence that says what happened. */
  readonly does: string
}

/** A lost packet costs a fraction of a second, a lost link one request a minute. */
const linkWait: BackoffRange = { firstMs: 500, capMs: 60_000, floorMs: 100 }
/** Load is shed: the first wait is longer, since everybody else was told the same. */
const busyWait: BackoffRange = { firstMs: 2_000, capMs: 60_000, floorMs: 500 }
/** Nothing is wrong but our knowledge: ask at once, and slow down only if it goes on. */
const soonWait: BackoffRange = { firstMs: 100, capMs: 30_000, floorMs: 0 }
/** A person has to act: minutes are soon enough, and each refusal may be an entry in somebody's audit log. */
const slowWait: BackoffRange = { firstMs: 10_000, capMs: 300_000, floorMs: 5_000 }

const rule = (
  scope: StoreErrorRule['scope'],
  wait: BackoffRange,
  does: string,
  needsPerson = false,
): StoreErrorRule => ({ scope, wait, needsPerson, does })

const goesOn = 'Recording goes on in a new object.'
const tellsPerson = 'Footage is kept here and tried again every few minutes.'

export const storeErrorRules: Readonly<Record<StoreErrorKind, StoreErrorRule>> = {
  unanswered: rule('link', linkWait, 'Footage is kept here until the link is back.'),
  impostor: rule('link', linkWait, 'It is not believed; footage is kept here until the store itself answers.'),
  busy: rule('link', busyWait, 'The recorder sends less often for a while.'),
  'credentials-expired': rule('link', linkWait, 'The credentials are read again.'),
  'clock-skewed': rule('link', soonWait, "The store's time is used for signing from now on."),
  'position-mismatch': rule('object', soonWait, 'The store is asked where the object ends.'),
  damaged: rule('object', soonWait, 'The store is asked where the object ends, and the same bytes are sent again.'),
  absent: rule('object', linkWait, 'It is asked for again later.'),
  'not-appendable': rule('object', soonWait, goesOn),
  full: rule('object', soonWait, goesOn),
  denied: rule('both', slowWait, tellsPerson, true),
  rejected: rule('object', slowWait, tellsPerson, true),
}

/** Waits of the whole link, whatever the kind: one state for all objects, so that they do not hammer in turns. */
export const linkWaitOf = (kind: StoreErrorKind): BackoffRange =>
  storeErrorRules[kind].scope === 'link' ? storeErrorRules[kind].wait : linkWait

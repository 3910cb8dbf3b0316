/**
 * What may go wrong on request, and when.
 *
 * A fault is a kind with its measures, and a condition: which operation, which keys, after how many, how often. Faults are
 * looked at in the order they were added and the first that fires is the only one a request meets. Chance comes from a
 * seed, so that a run replays.
 */
import type { Operation } from './operation.ts'

/**
 * - `refuse`: the connection is destroyed when the request's head has arrived.
 * - `half-open`: nothing is read and nothing answered for `ms`, then the connection is destroyed.
 * - `slow-drain`: the body is taken at `bytesPerS`; the rest is as usual.
 * - `drop-before-commit`: the body is read, nothing is done, the connection is destroyed.
 * - `commit-then-drop`: the request is carried out, the connection is destroyed without an answer.
 * - `commit-late`: the connection is destroyed at once, the request carried out `delayMs` later.
 * - `commit-after-gone`: nothing is answered; the request is carried out when the client has given up.
 * - `slow-reply`: carried out at once, answered `delayMs` later.
 * - `wrong-crc`, `wrong-next-position`: carried out, and the answer says something else.
 * - `error`: nothing is done; the answer is OSS's XML with `status`, `code`, and `qosDelayMs` in x-oss-qos-delay-time.
 * - `html`: nothing is done; a page of a captive portal or proxy with `status`, without a request id.
 * - `foreign-append`: somebody appends `bytes` bytes (as many as ours when absent) first; then the request is carried out.
 * - `delete-before`, `replace-before`: the object is deleted, or replaced by a Normal one of `bytes` bytes, first.
 * - `token-expired`, `no-such-bucket`: the documented refusals.
 * - `skewed`: refused as too far from a server whose clock is `offsetMs` off; `date1970` puts 1970 in the Date header.
 */
type FaultKind =
  | { readonly kind: 'refuse' | 'drop-before-commit' | 'commit-then-drop' | 'commit-after-gone' }
  | { readonly kind: 'wrong-crc' | 'wrong-next-position' | 'delete-before' | 'token-expired' | 'no-such-bucket' }
  | { readonly kind: 'commit-late' | 'slow-reply'; readonly delayMs: number }
  | { readonly kind: 'half-open'; readonly ms: number }
  | { readonly kind: 'slow-drain'; readonly bytesPerS: number }
  | { readonly kind: 'error'; readonly status: number; readonly code?: string; readonly qosDelayMs?: number }
  | { readonly kind: 'html'; readonly status: number }
  | { readonly kind: 'foreign-append' | 'replace-before'; readonly bytes?: number }
  | { readonly kind: 'skewed'; readonly offsetMs: number; readonly date1970?: boolean }

interface FaultCondition {
  /** Default `any`. */
  readonly on?: Operation | 'any'
  /** A part of the key, or a pattern. Default: every key. */
  readonly key?: string | RegExp
  /** Let this many matching requests pass first. Default 0. */
  readonly skip?: number
  /** Fire this often. Default 1, or without end when there is a probability. */
  readonly count?: number
  /** 0 to 1; each matching request draws. */
  readonly probability?: number
  readonly seed?: number
}
export type Fault = FaultKind & FaultCondition

interface Held {
  readonly fault: Fault
  skipsLeft: number
  firesLeft: number
  readonly draw: () => number
}

/** Faults held at once; a test that adds more has lost count. */
const faultsMax = 10_000

export class FaultBook {
  #held: Held[] = []
  readonly #fired = new Map<string, number>()

  add(...faults: readonly Fault[]): void {
    if (this.#held.length + faults.length > faultsMax) throw new Error(`more than ${faultsMax} faults are held`)
    for (const fault of faults) {
      this.#held.push({
        fault,
        skipsLeft: fault.skip ?? 0,
        firesLeft: fault.count ?? (fault.probability === undefined ? 1 : Number.POSITIVE_INFINITY),
        draw: dice(fault.seed ?? 1),
      })
    }
  }

  clear(): void {
    this.#held = []
  }

  /** Those that may still fire. */
  list(): Fault[] {
    return this.#held.map((held) => held.fault)
  }

  /** How often each kind has fired. */
  fired(): Record<string, number> {
    return Object.fromEntries(this.#fired)
  }

  /** The fault this request meets, if any; counts it. */
  pick(operation: Operation, key: string): Fault | undefined {
    for (const held of this.#held) {
      if (!matches(held.fault, operation, key)) continue
      if (held.skipsLeft > 0) {
        held.skipsLeft -= 1
        continue
      }
      if (held.fault.probability !== undefined && held.draw() >= held.fault.probability) continue
      held.firesLeft -= 1
      if (held.firesLeft <= 0) this.#held = this.#held.filter((other) => other !== held)
      this.#fired.set(held.fault.kind, (this.#fired.get(held.fault.kind) ?? 0) + 1)
      return held.fault
    }
    return undefined
  }
}

function matches(fault: Fault, operation: Operation, key: string): boolean {
  if (fault.on !== undefined && fault.on !== 'any' && fault.on !== operation) return false
  if (fault.key === undefined) return true
  return typeof fault.key === 'string' ? key.includes(fault.key) : fault.key.test(key)
}

/** Mulberry32: small, seeded, good enough to choose who suffers. */
function dice(seed: number): () => number {
  let state = seed | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

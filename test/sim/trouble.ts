/**
 * What may happen to one request, and the dice that decide it. Episodes say how bad the link and the store are for a
 * while; single faults wait for the next request that fits. Error codes come from the recorder's own table
 * (`uplink/store-codes.ts`), so that a new row there is met here.
 */
import type { StoreErrorKind } from '../../src/uplink/object-store.ts'
import { storeCodes } from '../../src/uplink/store-codes.ts'
import type { Chance } from './chance.ts'

export type Operation = 'inspect' | 'append' | 'read'

export interface StoreWord {
  readonly code: string
  readonly kind: StoreErrorKind
  readonly on: readonly Operation[]
}

const everywhere: readonly Operation[] = ['inspect', 'append', 'read']
/** What only makes sense for one kind of request: a HEAD has no body and no position. */
const only: Readonly<Record<string, readonly Operation[]>> = {
  EntityTooLarge: ['append'],
  InvalidArgument: ['append'],
  InvalidDigest: ['append'],
  MissingArgument: ['append'],
  RequestTimeout: ['append'],
  KmsServiceNotEnabled: ['append'],
  InvalidObjectState: ['append'],
  NoSuchKey: ['read'],
  FileAlreadyExists: ['append'],
  FileImmutable: ['append'],
  ObjectNotAppendable: ['append'],
  PositionNotEqualToLength: ['append'],
  StaleFile: ['append'],
  MissingContentLength: ['append'],
  InvalidRange: ['read'],
  UploadTrafficRateLimitExceeded: ['append'],
  DownloadTrafficRateLimitExceeded: ['read'],
}

/** Every row of the table, and those that have no code of their own. */
export const storeWords: readonly StoreWord[] = [
  ...storeCodes.map(({ code, kind }) => ({ code, kind, on: only[code] ?? everywhere })),
  { code: '(429, 503)', kind: 'busy', on: everywhere },
  { code: '(5xx)', kind: 'unanswered', on: everywhere },
  { code: '(401, 403)', kind: 'denied', on: everywhere },
  { code: '(others)', kind: 'rejected', on: ['append'] },
  { code: '(no request id)', kind: 'impostor', on: everywhere },
]

export type Fate =
  | { readonly is: 'fine' }
  /** Nobody is there: refused at once, or silence. */
  | { readonly is: 'unreachable'; readonly afterMs: number }
  /** Not carried out. */
  | { readonly is: 'lost'; readonly afterMs: number }
  /** Carried out; the answer is lost. */
  | { readonly is: 'reply lost'; readonly afterMs: number }
  /** No answer; carried out so much later than that. */
  | { readonly is: 'late'; readonly afterMs: number; readonly laterMs: number }
  | { readonly is: 'slow reply'; readonly byMs: number }
  | { readonly is: 'word'; readonly word: StoreWord; readonly retryAfterMs?: number }
  | { readonly is: 'skewed'; readonly offsetMs: number }
  | { readonly is: 'wrong checksum' | 'wrong length' }
  | { readonly is: 'deleted' | 'replaced' | 'foreign' | 'foreign twin' }

/** For a while, every request may meet this. */
export interface Episode {
  readonly from: number
  readonly until: number
  /** Requests that have met it. */
  hits: number
  /** Of requests that meet it. */
  readonly share: number
  readonly name: string
  draw(operation: Operation): Fate | undefined
}

/** The next request that fits meets this. */
export interface Ambush {
  readonly name: string
  /** Not before, in ms of the world. */
  readonly from: number
  fits(operation: Operation, key: string): boolean
  readonly fate: Fate
}

export interface Trouble {
  readonly episodes: Episode[]
  /** Those that are over too. */
  readonly past: Episode[]
  readonly ambushes: Ambush[]
  /** How often each thing has happened. */
  readonly met: Map<string, number>
  /** @param delicate the plan is in a state that is rare: then trouble is likelier, so that it is met there too */
  fateOf(operation: Operation, key: string, delicate: boolean): Fate
}

const fine: Fate = { is: 'fine' }

export function createTrouble(now: () => number, chance: Chance): Trouble {
  const met = new Map<string, number>()
  const trouble: Trouble = {
    episodes: [],
    past: [],
    ambushes: [],
    met,
    fateOf(operation, key, delicate) {
      const fate = draw(operation, key, delicate)
      if (fate.is !== 'fine') met.set(fate.is, (met.get(fate.is) ?? 0) + 1)
      return fate
    },
  }

  function draw(operation: Operation, key: string, delicate: boolean): Fate {
    const at = now()
    for (const [index, ambush] of trouble.ambushes.entries()) {
      if (at < ambush.from || !ambush.fits(operation, key)) continue
      trouble.ambushes.splice(index, 1)
      return ambush.fate
    }
    for (const episode of trouble.episodes) {
      if (at >= episode.until || !chance.is(episode.share)) continue
      const fate = episode.draw(operation)
      if (fate === undefined) continue
      episode.hits += 1
      return fate
    }
    if (delicate && trouble.episodes.some(({ until }) => at < until) && chance.is(0.3))
      return wordFate(chance, operation)
    return fine
  }
  return trouble
}

/** Any word of the store that fits the request. */
export function wordFate(chance: Chance, operation: Operation): Fate {
  const word = chance.pick(storeWords.filter(({ on }) => on.includes(operation)))
  if (word.kind === 'clock-skewed') return { is: 'skewed', offsetMs: chance.pick([0, 0, 5_000, -20_000, 3_600_000]) }
  return {
    is: 'word',
    word,
    ...(word.kind === 'busy' && chance.is(0.5) ? { retryAfterMs: chance.whole(100, 20_000) } : {}),
  }
}

/**
 * The way to the store and back: time, loss, delay, and whoever answers instead. A request that has left goes on
 * without its sender: what is committed after the sender's death is committed all the same.
 */
import { err, ok, type Result } from '../../src/base/result.ts'
import type { AppendRequest, ObjectStore, RemoteObject, StoreError } from '../../src/uplink/object-store.ts'
import type { TimeCorrection } from '../../src/uplink/time-correction.ts'
import type { Chance } from './chance.ts'
import type { Coverage } from './coverage.ts'
import type { Ledger } from './ledger.ts'
import { type Life, never, worldStartMs } from './life.ts'
import { type Bucket, bytesOf, type StoredObject } from './objects.ts'
import type { PlanMirror } from './plan-mirror.ts'
import type { SimTime } from './time.ts'
import type { Fate, Operation, Trouble } from './trouble.ts'

export interface Link {
  rttMs: number
  bytesPerS: number
}

export interface NetworkWorld {
  readonly time: SimTime
  readonly chance: Chance
  readonly bucket: Bucket
  readonly trouble: Trouble
  readonly ledger: Ledger
  readonly coverage: Coverage
  readonly link: Link
  readonly note: (text: string) => void
  /** Answers of each object that made it look wrong: refusals for good, damage, lies. */
  readonly hurts: Map<string, { final: number; passing: number; liesInARow: number; liedTwice: boolean }>
  /** An append reaches the store in so many ms: a script may be waiting for it. */
  onAppend: ((arrivesInMs: number, answersInMs: number) => void) | undefined
}

export interface Client {
  readonly life: Life
  readonly clock: TimeCorrection
  readonly mirror: PlanMirror
}

interface Request<T> {
  readonly operation: Operation
  readonly key: string
  readonly position: number
  readonly body: Uint8Array | undefined
  readonly signal: AbortSignal
  /** `late`: nobody waits for the answer any more. */
  serve(late: boolean): Result<T, StoreError>
}

/** OSS refuses what is signed further off than this. */
const skewMsMax = 900_000

export function storeFor(world: NetworkWorld, client: Client): ObjectStore & { close(): Promise<void> } {
  const { time, chance, bucket, trouble, ledger, link } = world
  const { life, clock, mirror } = client

  function hurt(fate: Fate, key: string): void {
    const kind = fate.is === 'word' ? fate.word.kind : fate.is
    const isFinal = kind === 'not-appendable' || kind === 'full' || bucket.sizeLimit < Number.POSITIVE_INFINITY
    const isPassing = kind === 'damaged' || kind === 'wrong checksum' || kind === 'wrong length'
    if (!isFinal && !isPassing) return
    const so = world.hurts.get(key) ?? { final: 0, passing: 0, liesInARow: 0, liedTwice: false }
    world.hurts.set(key, so)
    if (isFinal) so.final += 1
    else so.passing += 1
  }

  function call<T extends RemoteObject | Uint8Array>(request: Request<T>): Promise<Result<T, StoreError>> {
    const { operation, key, body, signal } = request
    if (life.dead) return never()
    const before = mirror.at(operation, key)
    const delicate = before.state === 'suspected' || before.state === 'tail' || before.doubt
    const fate = trouble.fateOf(operation, key, delicate)
    world.coverage.count(fate, before)
    if (fate.is !== 'fine')
      world.note(`${operation} ${short(key)} (${before.state}${before.doubt ? ', doubt' : ''}): ${sentence(fate)}`)
    hurt(fate, key)
    ledger.sends(life.number, operation, key, request.position, body)
    const sentAt = life.clock.mono()
    const signedMs = life.clock.wall() + clock.signingSkewMs()
    const upMs = link.rttMs * chance.between(0.4, 0.7) + ((body?.length ?? 0) / link.bytesPerS) * 1000
    const downMs = link.rttMs * chance.between(0.4, 0.7)

    return new Promise((resolve) => {
      let answered = false
      function answer(result: Result<T, StoreError>, isTrue: boolean, shownMs?: number, decisive = false): void {
        if (answered || life.dead) return
        answered = true
        signal.removeEventListener('abort', giveUp)
        if (shownMs !== undefined)
          clock.heard({ sentAt, heardAt: life.clock.mono(), shownMs, grainMs: 1000, ...(decisive ? { decisive } : {}) })
        ledger.hears(life.number, operation, key, result, isTrue)
        mirror.answered(operation, key, result)
        const hurts = world.hurts.get(key)
        // Whether it asked or read back: two answers that do not fit, and it is given up. An append that fits settles it.
        if (hurts !== undefined && result.ok) {
          if (isTrue && operation === 'append') hurts.liesInARow = 0
          if (!isTrue && operation !== 'append') hurts.liesInARow += 1
          hurts.liedTwice ||= hurts.liesInARow > 1
        }
        resolve(result)
      }
      const giveUp = (): void => answer(silence(`${key}: given up`), false)
      if (signal.aborted) return giveUp()
      signal.addEventListener('abort', giveUp, { once: true })

      const wordAt = (ms: number, result: Result<T, StoreError>, shownMs?: number, decisive?: boolean): void =>
        void time.after(ms, () => answer(result, false, shownMs, decisive))
      const serve = (): Result<T, StoreError> => {
        if (Math.abs(signedMs - nowMs()) > skewMsMax)
          return err({ kind: 'clock-skewed', message: 'the time is off', code: 'RequestTimeTooSkewed' })
        return request.serve(answered || life.dead)
      }
      const nowMs = (): number => worldStartMs + time.now()
      /** The whole second that the store's clock shows. */
      const shown = (): number => Math.floor(nowMs() / 1000) * 1000

      function asUsual(moreMs: number, change?: (result: Result<T, StoreError>) => Result<T, StoreError>): void {
        if (operation === 'append') world.onAppend?.(upMs, upMs + downMs + moreMs)
        void time.after(upMs, () => {
          const result = serve()
          const shownMs = shown()
          const decisive = !result.ok && result.error.kind === 'clock-skewed'
          const loadMs =
            operation === 'read' && result.ok ? ((result.value as Uint8Array).length / link.bytesPerS) * 1000 : 0
          void time.after(downMs + loadMs + moreMs, () => {
            // Of an object with somebody else's bytes in it a length proves nothing of ours.
            const isOurs = bucket.find(key)?.foreignFrom === undefined
            answer(change === undefined ? result : change(result), change === undefined && isOurs, shownMs, decisive)
          })
        })
      }

      switch (fate.is) {
        case 'fine':
          return asUsual(0)
        case 'slow reply':
          return asUsual(fate.byMs)
        case 'unreachable':
          return wordAt(fate.afterMs, silence(key))
        case 'lost':
          return wordAt(upMs + fate.afterMs, silence(key))
        case 'reply lost':
          if (operation === 'append') world.onAppend?.(upMs, upMs + fate.afterMs)
          void time.after(upMs, serve)
          return wordAt(upMs + fate.afterMs, silence(key))
        case 'late':
          void time.after(upMs + fate.afterMs + fate.laterMs, serve)
          return wordAt(upMs + fate.afterMs, silence(key))
        case 'word': {
          const { kind, code } = fate.word
          const retry = fate.retryAfterMs === undefined ? {} : { retryAfterMs: fate.retryAfterMs }
          const error = { kind, message: `the store says ${code}`, ...(code.startsWith('(') ? {} : { code }), ...retry }
          return wordAt(upMs + downMs, err(error), kind === 'impostor' ? undefined : shown())
        }
        case 'skewed':
          return wordAt(
            upMs + downMs,
            err({ kind: 'clock-skewed', message: 'the time is off', code: 'RequestTimeTooSkewed' }),
            shown() + fate.offsetMs,
            true,
          )
        case 'wrong checksum':
        case 'wrong length':
          return asUsual(0, (result) => distorted(result, fate.is))
        case 'foreign':
        case 'foreign twin':
          bucket.foreign(key, fate.is === 'foreign' ? chance.whole(1, 900) : (body?.length ?? 188))
          return asUsual(0)
        case 'deleted':
        case 'replaced':
          bucket.destroy(key, fate.is, time.now(), ledger.confirmed(key))
          ledger.destroyed(key)
          return asUsual(0)
      }
    })
  }

  return {
    inspect: (key, signal) =>
      call({
        operation: 'inspect',
        key,
        position: 0,
        body: undefined,
        signal,
        serve: () => ok(remoteOf(bucket.find(key))),
      }),
    append: ({ key, position, body }: AppendRequest, signal) =>
      call({
        ...{ operation: 'append', key, position, body, signal },
        serve(late) {
          const done = bucket.append(key, position, body, { at: time.now(), late, senderIsDead: life.dead })
          if (done.ok) return ok(remoteOf(done.object))
          if (done.why === 'position')
            return err({ kind: 'position-mismatch', message: 'not the end', code: 'PositionNotEqualToLength' })
          if (done.why === 'full') return err({ kind: 'full', message: 'too large', code: 'EntityTooLarge' })
          return err({ kind: 'not-appendable', message: 'not appendable', code: 'ObjectNotAppendable' })
        },
      }),
    read: (key, start, end, signal) =>
      call({
        ...{ operation: 'read', key, position: start, body: undefined, signal },
        serve() {
          const found = bucket.find(key)
          if (found === undefined) return err({ kind: 'absent', message: 'no such object', code: 'NoSuchKey' })
          return ok(Uint8Array.from(bytesOf(found).subarray(start, end)))
        },
      }),
    close: async () => {},
  }
}

const silence = (what: string): { readonly ok: false; readonly error: StoreError } =>
  err({ kind: 'unanswered', message: `${what}: no answer` })

function remoteOf(object: StoredObject | undefined): RemoteObject {
  if (object === undefined) return { kind: 'absent' }
  return object.appendable ? { kind: 'appendable', length: object.length, crc64: object.crc64 } : { kind: 'other' }
}

function distorted<T extends RemoteObject | Uint8Array>(
  result: Result<T, StoreError>,
  how: 'wrong checksum' | 'wrong length',
): Result<T, StoreError> {
  if (!result.ok) return result
  const { value } = result
  if (value instanceof Uint8Array) {
    const changed = Uint8Array.from(value)
    if (how === 'wrong length') return ok(changed.subarray(0, Math.max(0, changed.length - 1)) as T)
    if (changed.length > 0) changed[changed.length >> 1] = (changed[changed.length >> 1] ?? 0) ^ 1
    return ok(changed as T)
  }
  if (value.kind !== 'appendable') return result
  const wrong =
    how === 'wrong checksum' ? { ...value, crc64: value.crc64 ^ 1n } : { ...value, length: value.length + 1 }
  return ok(wrong as T)
}

const short = (key: string): string => key.slice(key.lastIndexOf('/') + 1)

function sentence(fate: Fate): string {
  switch (fate.is) {
    case 'word':
      return `the store says ${fate.word.code}`
    case 'late':
      return `no answer, carried out ${Math.round(fate.laterMs)} ms after it was given up`
    case 'skewed':
      return `refused as skewed, by a clock that is ${fate.offsetMs} ms off`
    default:
      return fate.is
  }
}

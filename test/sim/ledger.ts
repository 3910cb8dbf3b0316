/**
 * What must hold at every single request, whatever happens: watched at the wire, from outside.
 *
 * - one append is in flight per object
 * - nothing is appended to an object of which this process has not been told, since its last doubt, where it ends
 * - nothing is sent again that the store has been heard to hold
 * - nothing is published before the store was heard to hold what it points at
 */
import type { Result } from '../../src/base/result.ts'
import type { RemoteObject, StoreError } from '../../src/uplink/object-store.ts'
import type { Operation } from './trouble.ts'

export interface Ledger {
  sends(life: number, operation: Operation, key: string, position: number, body: Uint8Array | undefined): void
  /** `true`: what the answer says is what the store holds. */
  hears(
    life: number,
    operation: Operation,
    key: string,
    answer: Result<RemoteObject | Uint8Array, StoreError>,
    isTrue: boolean,
  ): void
  /** Somebody destroyed it: it may be made anew. */
  destroyed(key: string): void
  /** Of an object, as the recorder was told, in any life. */
  confirmed(key: string): number
  /** Requests so far, by operation. */
  readonly requests: Record<Operation, number>
  /** Appends whose answer left it open whether they were carried out. */
  ambiguous(): number
  /** When footage was heard to have arrived, in ms of the world. */
  readonly footageHeardAt: number[]
  /** Bytes sent in appends. */
  readonly bytes: { sent: number }
}

interface Known {
  confirmed: number
  /** As `confirmed`, also of what somebody has destroyed since. */
  everConfirmed: number
  /** Of this life: it was told where the object ends, and nothing is open since. */
  toldInLife: number
  inFlight: number
  inFlightLife: number
  deniedInLife: number
}

const rangePattern = /#EXT-X-BYTERANGE:(\d+)@(\d+)\n/g

export function createLedger(now: () => number, violated: (rule: string, what: string) => void): Ledger {
  const objects = new Map<string, Known>()
  let ambiguous = 0

  function of(key: string): Known {
    const known = objects.get(key)
    if (known !== undefined) return known
    const created = { confirmed: 0, everConfirmed: 0, toldInLife: -1, inFlight: 0, inFlightLife: -1, deniedInLife: -1 }
    objects.set(key, created)
    return created
  }

  function checkPlaylist(key: string, body: Uint8Array): void {
    const text = Buffer.from(body.buffer, body.byteOffset, body.length).toString('latin1')
    let end = 0
    for (const [, length, offset] of text.matchAll(rangePattern)) end = Math.max(end, Number(length) + Number(offset))
    const videoKey = key.replace(/\.m3u8$/, '.ts')
    const confirmed = of(videoKey).everConfirmed
    if (end > confirmed)
      violated('published early', `${key} points at byte ${end}, the store was heard to hold ${confirmed}`)
  }

  function checkCatalogue(body: Uint8Array): void {
    for (const line of Buffer.from(body.buffer, body.byteOffset, body.length).toString().split('\n')) {
      if (!line.includes('"kind":"recording')) continue
      const record = JSON.parse(line) as { readonly kind: string; readonly key: string; readonly bytes?: number }
      const confirmed = of(record.key).everConfirmed
      if (confirmed === 0 || (record.bytes ?? 0) > confirmed)
        violated('published early', `the catalogue has ${line}, the store was heard to hold ${confirmed} bytes`)
    }
  }

  const ledger: Ledger = {
    requests: { inspect: 0, append: 0, read: 0 },
    ...{ bytes: { sent: 0 }, footageHeardAt: [] },
    ambiguous: () => ambiguous,
    confirmed: (key) => objects.get(key)?.confirmed ?? 0,
    destroyed(key) {
      const known = of(key)
      known.confirmed = 0
    },
    sends(life, operation, key, position, body) {
      ledger.requests[operation] += 1
      if (operation !== 'append' || body === undefined) return
      ledger.bytes.sent += body.length
      const known = of(key)
      if (known.inFlight > 0 && known.inFlightLife === life) violated('two in flight', `appends to ${key}`)
      known.inFlight = known.inFlightLife === life ? known.inFlight + 1 : 1
      known.inFlightLife = life
      const mayGuess = position === 0 && known.deniedInLife === life
      if (known.toldInLife !== life && !mayGuess)
        violated('blind append', `to ${key} at ${position}: its end is not known`)
      known.toldInLife = -1
      // A guess is made where the store does not show the object, and this process knows of nothing in it.
      if (position < known.confirmed && !mayGuess)
        violated('sent twice', `${key} at ${position}: ${known.confirmed} bytes are known to be there`)
      if (key.endsWith('.m3u8')) checkPlaylist(key, body)
      else if (key.includes('catalogue/')) checkCatalogue(body)
    },
    hears(life, operation, key, answer, isTrue) {
      const known = of(key)
      if (operation === 'append' && known.inFlightLife === life) known.inFlight -= 1
      if (operation === 'read') return
      if (!answer.ok) {
        if (operation === 'append') {
          if (answer.error.kind === 'unanswered' || answer.error.kind === 'impostor') ambiguous += 1
        } else known.deniedInLife = answer.error.code === 'AccessDenied' ? life : -1
        return
      }
      known.toldInLife = life
      if (!isTrue || answer.value instanceof Uint8Array || answer.value.kind !== 'appendable') return
      if (answer.value.length > known.confirmed && key.endsWith('.ts')) ledger.footageHeardAt.push(now())
      known.confirmed = Math.max(known.confirmed, answer.value.length)
      known.everConfirmed = Math.max(known.everConfirmed, known.confirmed)
    },
  }
  return ledger
}

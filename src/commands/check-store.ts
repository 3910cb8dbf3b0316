/** A real append to the real store, and its length and checksum asked back: `watchpost check` shows that footage would arrive. */
import { systemClock } from '../adapters/system-clock.ts'
import { systemRandom } from '../adapters/system-random.ts'
import { crc64 } from '../base/crc64.ts'
import { err, ok, type Result } from '../base/result.ts'
import { objectHeaders } from '../config/object-headers.ts'
import type { StoreError } from '../uplink/object-store.ts'
import type { StoreAndSettings } from './store-from-settings.ts'

const triesMax = 2

export interface StoreFinding {
  readonly key: string
  readonly bytes: number
  readonly elapsedMs: number
}

/** The error is one sentence or two for people: what happened and what to do. */
export async function probeStore(
  { settings, store, place }: StoreAndSettings,
  signal: AbortSignal,
): Promise<Result<StoreFinding, string>> {
  const key = probeKey(place, systemClock.wall())
  const body = Buffer.from(`Written by watchpost check of ${place.device}; it may be deleted.\n`)
  const creation = { contentType: 'text/plain', headers: objectHeaders(settings.store) }
  const since = systemClock.mono()
  for (let attempt = 1; ; attempt += 1) {
    const appended = await store.append({ key, position: 0, body, creation }, signal)
    if (appended.ok) break
    // The refusal told the right time: the second try is signed with it.
    if (appended.error.kind !== 'clock-skewed' || attempt === triesMax) return err(adviceFor(appended.error))
  }
  const found = await store.inspect(key, signal)
  if (!found.ok) return err(adviceFor(found.error))
  const { value } = found
  if (value.kind !== 'appendable' || value.length !== body.length || value.crc64 !== crc64(body)) {
    return err(
      `${key} was appended, but the store then told of other bytes. Something between here and the store changes data.`,
    )
  }
  return ok({ key, bytes: body.length, elapsedMs: Math.round(systemClock.mono() - since) })
}

function probeKey(place: StoreAndSettings['place'], nowMs: number): string {
  const time = new Date(nowMs).toISOString().replace(/[-:]/g, '')
  const parts = [place.prefix, 'probe', place.device, `${time}-${systemRandom.hex(6)}`]
  return parts.filter((part) => part !== '').join('/')
}

/** The sentence of the store's adapter, and what a person at this command can do beyond it. */
function adviceFor(error: StoreError): string {
  switch (error.kind) {
    case 'unanswered':
      return `${error.message} Check the network, store.endpoint and store.region.`
    case 'impostor':
      return `${error.message} Check store.endpoint, and whether this network wants a log-in.`
    case 'clock-skewed':
      return `${error.message} Set the clock of this machine, or let NTP do it.`
    case 'credentials-expired':
      return `${error.message} Get a new token or access key and put it into store.credentials.`
    case 'rejected':
      return `${error.message} Check store.region, which is part of every signature, store.prefix and store.objects.`
    default:
      return error.message
  }
}

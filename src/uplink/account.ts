/** Counts what the uplink does, by standing between it and the store. Nothing here decides anything. */
import type { Clock, MonoMs } from '../base/clock.ts'
import type { UplinkStatus } from '../format/status.ts'
import type { LinkRate } from './link-rate.ts'
import type { ObjectStore } from './object-store.ts'
import type { JobReport } from './recording-job.ts'

export interface Account {
  /** The store, counted, measured and kept under the bandwidth cap. */
  readonly store: ObjectStore
  reported(report: JobReport): void
  figures(): Pick<
    UplinkStatus,
    'bytesConfirmed' | 'bytesPerS' | 'requests' | 'failures' | 'resyncs' | 'lastConfirmedAgeMs'
  >
}

export function createAccount(store: ObjectStore, world: { readonly clock: Clock; readonly rate: LinkRate }): Account {
  const { clock, rate } = world
  let bytesConfirmed = 0
  let requests = 0
  let failures = 0
  let resyncs = 0
  let lastConfirmedAt: MonoMs | undefined
  /** Objects whose last request failed: the next question about them is a resync. */
  const inDoubt = new Set<string>()

  return {
    store: {
      async inspect(key, signal) {
        requests += 1
        const answer = await store.inspect(key, signal)
        if (answer.ok && inDoubt.delete(key)) resyncs += 1
        return answer
      },
      async append(request, signal) {
        await rate.allowed(signal)
        requests += 1
        const since = clock.mono()
        const answer = await store.append(request, signal)
        if (answer.ok) rate.sent(request.body.length, since)
        else {
          inDoubt.add(request.key)
          if (answer.error.kind === 'unanswered') rate.failed()
        }
        return answer
      },
      async read(key, start, end, signal) {
        requests += 1
        return store.read(key, start, end, signal)
      },
    },
    reported(report) {
      if (report.did === 'fail' || report.did === 'abandon') failures += 1
      if (report.did !== 'inspect' && report.did !== 'append') return
      bytesConfirmed += report.bytes
      if (report.landed > 0) lastConfirmedAt = clock.mono()
    },
    figures: () => ({
      bytesConfirmed,
      bytesPerS: rate.bytesPerS() ?? null,
      requests,
      failures,
      resyncs,
      lastConfirmedAgeMs: lastConfirmedAt === undefined ? null : Math.round(clock.mono() - lastConfirmedAt),
    }),
  }
}

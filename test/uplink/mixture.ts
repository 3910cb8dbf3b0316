/** A seeded mixture of faults on one haul: every kind that spoils nothing, with chances far above those of life. */
import { seededRandom } from '../../src/base/random.ts'
import type { Fault } from '../../src/oss-server/faults.ts'
import type { ClipUnit } from '../support/clip.ts'
import type { StandIn } from '../support/stand-in.ts'
import { expectDelivered, haul } from './haul.ts'

const kinds: readonly Fault[] = [
  { kind: 'refuse' },
  { kind: 'drop-before-commit' },
  { kind: 'commit-then-drop' },
  { kind: 'commit-after-gone' },
  { kind: 'commit-late', delayMs: 25 },
  { kind: 'slow-reply', delayMs: 20 },
  { kind: 'half-open', ms: 20 },
  { kind: 'wrong-crc', on: 'append' },
  { kind: 'wrong-next-position', on: 'append' },
  { kind: 'error', status: 500 },
  { kind: 'error', status: 503, qosDelayMs: 50 },
  { kind: 'error', status: 400, code: 'InvalidDigest' },
  { kind: 'html', status: 200 },
  { kind: 'html', status: 502 },
  { kind: 'token-expired' },
  { kind: 'skewed', offsetMs: -3_600_000 },
]

export async function mixture(standIn: StandIn, seed: number, units: readonly ClipUnit[]): Promise<void> {
  const random = seededRandom(seed)
  const { server, store } = standIn
  for (const kind of kinds) {
    if (random.fraction() < 0.5) continue
    server.faults.add({ ...kind, probability: random.fraction() * 0.08, seed: Math.floor(random.fraction() * 1e9) })
  }
  const count = 3 + Math.floor(random.fraction() * (units.length - 3))
  const offlineAt = Math.floor(random.fraction() * count * 2)
  const hauled = await haul({
    store,
    seed,
    units: units.slice(0, count),
    cameras: 1 + Math.floor(random.fraction() * 3),
    restarts: Math.floor(random.fraction() * 3),
    rollEvery: 2 + Math.floor(random.fraction() * 10),
    meanwhile(step) {
      if (step === offlineAt) server.setOffline(true)
      if (step === offlineAt + 2) server.setOffline(false)
      if (step === count - 1) server.setOffline(false)
    },
  })
  expectDelivered(hauled, standIn.bytesOf)
}

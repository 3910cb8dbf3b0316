/**
 * The card that holds segment files and database: how fast it is, whether it hangs, refuses or is full, and what the
 * power leaves of what it was told. Both stores (`disk.ts`, `kv.ts`) go through here, so that its bad days are theirs.
 */
import type { Chance } from './chance.ts'
import { type Life, never } from './life.ts'
import type { SimTime } from './time.ts'

export type Refusal = 'io' | 'unwritable'

export interface Device {
  /** Of a write that is synced, in ms: usual and greatest. */
  readonly syncMs: readonly [least: number, most: number]
  /** Nothing answers until then, in ms of the world. */
  hungUntil: number
  /** Writes are refused so until then; with `io` most reads too. */
  refusal: { readonly kind: Refusal; readonly until: number } | undefined
  /** Syncs take so much longer until then. */
  slow: { readonly factor: number; readonly until: number } | undefined
  capacityBytes: number
  /** What others have put on it. */
  otherBytes: number
  /** A block is written whole, or not at all. */
  readonly blockBytes: number
  /** Bytes of segments, told by the disk. */
  segmentBytes(): number
  freeBytes(): number
  refusing(): Refusal | undefined
  isHung(): boolean
  /**
   * `work` is done after `ms`, longer if the card is slow, and not before it answers again; the answer follows at once.
   * A dead life gets none, and `work` is not done for it.
   */
  operate<T>(life: Life, ms: number, work: () => T): Promise<T>
  /** How long one synced write takes. */
  drawSyncMs(): number
  /** Called when an operation begins: a script may be waiting for one to pull the plug. */
  onOperation: ((what: 'segment' | 'index', endsInMs: number) => void) | undefined
}

export function createDevice(time: SimTime, chance: Chance): Device {
  const least = chance.pick([0.5, 2, 5, 15])
  const device: Device = {
    syncMs: [least, least * chance.pick([1.5, 4, 12])],
    hungUntil: 0,
    refusal: undefined,
    slow: undefined,
    capacityBytes: Number.POSITIVE_INFINITY,
    otherBytes: 0,
    blockBytes: chance.pick([512, 4096]),
    segmentBytes: () => 0,
    freeBytes: () => Math.max(0, device.capacityBytes - device.otherBytes - device.segmentBytes()),
    refusing: () =>
      device.refusal !== undefined && time.now() < device.refusal.until ? device.refusal.kind : undefined,
    isHung: () => time.now() < device.hungUntil,
    drawSyncMs: () => chance.between(device.syncMs[0], device.syncMs[1]),
    onOperation: undefined,
    operate(life, ms, work) {
      if (life.dead) return never()
      return new Promise((resolve) => {
        const attempt = (): void => {
          if (life.dead) return
          // A call that meets a card that hangs comes back when the card does.
          if (device.isHung()) void time.after(device.hungUntil - time.now() + ms, attempt)
          else resolve(work())
        }
        const slow = device.slow !== undefined && time.now() < device.slow.until ? device.slow.factor : 1
        void time.after(ms * slow, attempt)
      })
    },
  }
  return device
}

/** Moves a unit's time stamps (PTS, DTS, PCR) from the camera's clock to this boot's, in place. */
import { readStamp, shiftPcr, writeStamp } from '../format/ts-packet.ts'
import { ticksModulo, wrapTicks } from '../format/unit.ts'
import type { StampMark } from '../format/unit-buffer.ts'

/** @param delta ticks to add: may be negative, or more than one wrap */
export function retime(bytes: Uint8Array, stamps: readonly StampMark[], delta: number): void {
  const shift = wrapTicks(delta)
  if (shift === 0) return
  for (const mark of stamps) {
    const at = mark >> 1
    if ((mark & 1) === 1) shiftPcr(bytes, at, shift)
    else {
      const stamp = readStamp(bytes, at)
      if (stamp !== -1) writeStamp(bytes, at, (stamp + shift) % ticksModulo)
    }
  }
}

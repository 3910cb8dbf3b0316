/**
 * Footage lies outside V8's heap, but V8 counts it: with its own rule of growth (a third more than what survived), a small
 * heap beside a few MB of footage is marked whole for every unit that passes, which took more than half of the
 * recorder's CPU time at 80 Mbit/s (12.9 against 5.3 CPU seconds per GB). Growing to four times what survived costs about
 * 20 MB of memory there. What is held is bounded elsewhere (`base/limits.ts`); this says only how often V8 looks.
 *
 * The space for young objects stays small: footage that was sent is freed when V8 next looks through it, and the fuller
 * it may become, the later that is. Of a camera of 4 Mbit/s in an outage 20 MB of memory less, of one of 80 Mbit/s 28 MB,
 * for no CPU time that could be measured.
 */
import { setFlagsFromString } from 'node:v8'

/** V8 of Node.js 20 and 22 takes this factor at any time; later ones hold it to be 2 at least. */
const smallYoungSpace = { flag: '--semi-space-growth-factor=1', v8MajorMax: 12 }

/** In force from the next collection on; V8 takes these flags at any time. */
export function growHeapCalmly(): void {
  setFlagsFromString('--heap-growing-percent=300')
  if (Number.parseInt(process.versions.v8, 10) <= smallYoungSpace.v8MajorMax) setFlagsFromString(smallYoungSpace.flag)
}

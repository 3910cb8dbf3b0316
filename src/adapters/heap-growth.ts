/**
 * Footage lies outside V8's heap, but V8 counts it: with its own rule of growth (a third more than what survived), a small
 * heap beside a few MB of footage is marked whole for every unit that passes, which took more than half of the
 * recorder's CPU time at 80 Mbit/s (12.9 against 5.3 CPU seconds per GB). Growing to four times what survived costs about
 * 20 MB of memory there. What is held is bounded elsewhere (`base/limits.ts`); this says only how often V8 looks.
 */
import { setFlagsFromString } from 'node:v8'

/** In force from the next collection on; V8 takes this flag at any time. */
export const growHeapCalmly = (): void => setFlagsFromString('--heap-growing-percent=300')

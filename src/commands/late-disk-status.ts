/** What people are told of a recorder that records in memory only, and of one that has left it. */
import type { Buffer } from '../buffer/buffer.ts'
import type { BufferStatus } from '../format/status.ts'

/** @param reason a sentence: what is wrong with the disk, and what a person can do */
export const whileInMemory = (reason: string): string =>
  `Recording in memory only; what has not reached the store is lost when the recorder ends. ${reason} It is tried again every 10 s.`

/** @param memory `undefined` once it is empty; `disk` until it can be used */
export function statusOfBoth(memory: Buffer | undefined, disk: Buffer | undefined, reason: string): BufferStatus {
  const [held, kept] = [memory?.status(), disk?.status()]
  const newest = kept ?? held ?? nothing
  const sum = (count: (status: BufferStatus) => number): number =>
    (held === undefined ? 0 : count(held)) + (kept === undefined ? 0 : count(kept))
  const ages = [held?.oldestUnitAgeMs, kept?.oldestUnitAgeMs].filter((age) => typeof age === 'number')
  return {
    ...newest,
    units: sum(({ units }) => units),
    bytes: sum(({ bytes }) => bytes),
    oldestUnitAgeMs: ages.length === 0 ? null : Math.max(...ages),
    memoryBytes: sum(({ memoryBytes }) => memoryBytes),
    spilledBytes: sum(({ spilledBytes }) => spilledBytes),
    protectedBytes: sum(({ protectedBytes }) => protectedBytes),
    evictedUnits: sum(({ evictedUnits }) => evictedUnits),
    evictedBytes: sum(({ evictedBytes }) => evictedBytes),
    problem: kept === undefined ? whileInMemory(reason) : kept.problem,
    repairs: kept?.repairs ?? [],
  }
}

const nothing: BufferStatus = {
  ...{ units: 0, bytes: 0, oldestUnitAgeMs: null, quotaBytes: 0, freeBytes: null },
  ...{ evictedUnits: 0, evictedBytes: 0, problem: null },
  ...{ memoryBytes: 0, spilledBytes: 0, protectedBytes: 0, repairs: [] },
}

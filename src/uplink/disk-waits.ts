/**
 * A backlog that tells while it waits for the disk. A disk that refuses or hangs may keep `cut`, `settle` and `finish`
 * waiting for as long as it likes; whoever waits there uses no link, and must not keep a place on it from the others.
 *
 * In every step of a job the waits come behind the request, so that a place that was given back is not used again.
 */
import type { Backlog } from './backlog.ts'

export type CountWait = <T>(work: Promise<T>) => Promise<T>

/** @param waiting told whether anything waits, whenever that may have changed */
export function countWaits(waiting: (isWaiting: boolean) => void): CountWait {
  let calls = 0
  return async (work) => {
    calls += 1
    waiting(true)
    try {
      return await work
    } finally {
      calls -= 1
      waiting(calls > 0)
    }
  }
}

export const withDiskWaits = (backlog: Backlog, counted: CountWait): Backlog => ({
  boot: backlog.boot,
  held: () => backlog.held(),
  recording: (id) => backlog.recording(id),
  read: (id, fromSeq, count) => backlog.read(id, fromSeq, count),
  claim: (id, claim) => counted(backlog.claim(id, claim)),
  confirm: (id, arrived, throughSeq) => counted(backlog.confirm(id, arrived, throughSeq)),
  settle: (id, found) => counted(backlog.settle(id, found)),
  cut: (id, why) => counted(backlog.cut(id, why)),
  finish: (id) => counted(backlog.finish(id)),
  bootTime: (counter) => backlog.bootTime(counter),
  learnBootTime: (offset) => counted(backlog.learnBootTime(offset)),
  changed: (signal) => backlog.changed(signal),
})

/**
 * A buffer whose disk cannot be used when the recorder starts: footage is held in memory and sent while the network
 * lasts, the disk is tried again and again, and once it opens everything new goes there. Nothing is restarted for it.
 *
 * There are two buffers then, told apart by their boot counters: what the one in memory holds is sent from there, what
 * came later from the disk. Of the first, recordings that have no name yet move to the disk at once (no store has heard
 * of them); named ones move at an orderly stop, from what was not confirmed. An append whose answer was still out then
 * may be in the store twice, once in each recording.
 *
 * What can be lost: footage held in memory when the power fails, the process ends, or the memory is full (then a gap
 * record says so). One try at a time: a disk that hangs holds the threads of one try, however long it lasts.
 */
import { assert } from '../base/assert.ts'
import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/log.ts'
import type { Result } from '../base/result.ts'
import { createBell } from '../buffer/bell.ts'
import type { Buffer } from '../buffer/buffer.ts'
import type { BufferOpenError } from '../buffer/open-error.ts'
import { catalogueLine } from '../format/catalogue-record.ts'
import { isoOf } from '../format/names.ts'
import { type Boot, type RecordingId, recordingName, type TrackId, trackKind } from '../format/recording.ts'
import { type Beginning, carryOver, joinLives } from './carry-over.ts'
import { statusOfBoth, whileInMemory } from './late-disk-status.ts'

export type Opening = Promise<Result<Buffer, BufferOpenError>>

export interface LateDiskWorld {
  /** Open, on a disk that refuses (`adapters/memory-disk.ts`); with a boot counter unlike any on the real disk. */
  readonly memory: Buffer
  /** The try that has just failed, or has not come back. */
  readonly first: Opening
  readonly open: () => Opening
  /** The buffer's directory, for people. */
  readonly place: string
  readonly clock: Clock
  readonly log: Logger
  readonly fatal: (error: unknown) => void
}

/** Between two tries of the disk. A try costs a few calls; a disk that comes back waits no longer than this. */
const retryMs = 10_000
/** A try that has not come back after this is told to people. Much to read back on a slow card may take as long. */
export const openMsMax = 10_000
/** A correction of the clock by more than this is written down, in ms; smaller ones are not (D7). */
const clockMoveMs = 2_000

type Offset = Parameters<Buffer['learnBootTime']>[0]

const slowSentence = (place: string): string =>
  `The buffer's directory ${place} has not answered for ${openMsMax / 1000} s: the disk hangs, or has much to read back.`

/** `onDisk`: what is not sent when it is closed waits there. */
export function createLateDisk(world: LateDiskWorld): Buffer & { onDisk(): boolean } {
  const { first, open, place, clock, log, fatal } = world
  // The only hold on it, so that its units leave the memory when it is empty.
  let memory: Buffer | undefined = world.memory
  const memoryBoot = memory.boot
  let disk: Buffer | undefined
  let reason = slowSentence(place)
  let dated: Offset | undefined
  const moved = new Set<string>()
  const windows = new Map<TrackId, { readonly from: number; readonly to: number }>()
  /** Where the footage of each track began in memory. */
  const begun = new Map<TrackId, Beginning>()
  const over = new AbortController()
  const bell = createBell()

  async function run(start: Opening): Promise<void> {
    for (let opening = start; !over.signal.aborted; opening = open()) {
      const opened = await patiently(opening)
      if (opened.ok) {
        if (over.signal.aborted) return opened.value.close()
        return switchTo(opened.value)
      }
      reason = opened.error.message
      log.error('memory-only', whileInMemory(reason))
      await clock.sleep(retryMs, over.signal)
    }
  }

  async function patiently(opening: Opening): Opening {
    const answered = new AbortController()
    const late = clock.sleep(openMsMax, answered.signal).then(() => {
      if (answered.signal.aborted) return
      reason = slowSentence(place)
      log.error('memory-only', whileInMemory(reason))
    })
    const opened = await opening
    answered.abort()
    await late
    return opened
  }

  async function switchTo(real: Buffer): Promise<void> {
    const source = memory
    if (source === undefined) return
    for (const [track, start] of begun) {
      // Footage goes on in a new recording, at the camera's next keyframe.
      source.endOpen(track)
      joinLives(real, track, start)
    }
    begun.clear()
    for (const [track, { from, to }] of windows) real.protect(track, from, to)
    windows.clear()
    disk = real
    bell.ring()
    log.info('disk-used', `The buffer's directory ${place} can be used now: footage goes there again.`)
    dated = source.bootTime(memoryBoot.counter)?.offset
    if (dated !== undefined) {
      void real.learnBootTime(dated)
      void real.write('catalogue', clockLine(real.boot, dated, clock))
    }
    await carryOver(source, real, { moved, named: false })
    dropWhenEmpty()
  }

  /** Nothing of it is to be sent any more: its units may leave the memory. */
  function dropWhenEmpty(): void {
    const source = memory
    if (disk === undefined || source === undefined) return
    const waits = source.held().some((id) => {
      if (moved.has(recordingName(id))) return false
      return trackKind(id.track) === 'video' || (source.recording(id)?.pending.length ?? 0) > 0
    })
    if (waits) return
    memory = undefined
    void source.close()
    bell.ring()
  }

  function front(): Buffer {
    const newest = disk ?? memory
    assert(newest !== undefined, 'the buffer in memory goes when the disk is used')
    return newest
  }
  /** `undefined` for what has moved to the disk, as for what was given up. */
  function owner(id: RecordingId): Buffer | undefined {
    if (id.boot !== memoryBoot.counter) return disk
    return moved.has(recordingName(id)) ? undefined : memory
  }

  async function changed(signal: AbortSignal): Promise<void> {
    const answered = new AbortController()
    const end = (): void => answered.abort()
    signal.addEventListener('abort', end, { once: true })
    if (signal.aborted) end()
    const both = [memory, disk].flatMap((one) => (one === undefined ? [] : [one.changed(answered.signal)]))
    await Promise.race([...both, bell.next(answered.signal)])
    signal.removeEventListener('abort', end)
    end()
  }

  async function learnBootTime(offset: Offset): Promise<void> {
    await Promise.all([memory?.learnBootTime(offset), disk?.learnBootTime(offset)])
    const known = dated
    // Until then the recorder dates the boot in memory itself, as the one that runs.
    if (disk === undefined || (known !== undefined && Math.abs(known.ms - offset.ms) <= clockMoveMs)) return
    dated = offset
    await disk.write('catalogue', clockLine(memoryBoot, offset, clock))
  }

  async function close(): Promise<void> {
    over.abort()
    const [source, target] = [memory, disk]
    if (source !== undefined && target !== undefined) await carryOver(source, target, { moved, named: true })
    const { units, bytes } = source === undefined || target !== undefined ? { units: 0, bytes: 0 } : source.status()
    if (units > 0) {
      const note = `${units} units of footage (${bytes} bytes) were held in memory only and had not reached the store: they are lost.`
      log.error('memory-lost', note)
    }
    await source?.close()
    await target?.close()
  }

  run(first).catch(fatal)

  return {
    onDisk: () => disk !== undefined,
    get boot(): Boot {
      return front().boot
    },
    open: (track) => front().open(track),
    begin(track, start) {
      if (disk === undefined && !begun.has(track)) begun.set(track, start)
      front().begin(track, start)
    },
    put: (track, unit) => front().put(track, unit),
    endOpen: (track) => front().endOpen(track),
    protect(track, from, to) {
      if (disk === undefined) windows.set(track, { from: Math.min(from, windows.get(track)?.from ?? from), to })
      front().protect(track, from, to)
    },
    held: () => [...(memory?.held() ?? []).filter((id) => !moved.has(recordingName(id))), ...(disk?.held() ?? [])],
    recording: (id) => owner(id)?.recording(id),
    read: async (id, fromSeq, count) =>
      (await owner(id)?.read(id, fromSeq, count)) ?? {
        ok: false,
        error: { kind: 'gone', message: `${recordingName(id)} goes on in another recording.` },
      },
    release: (id) => owner(id)?.release(id),
    claim: async (id, claim) => owner(id)?.claim(id, claim),
    confirm: async (id, arrived, throughSeq) => owner(id)?.confirm(id, arrived, throughSeq),
    settle: async (id, found) => owner(id)?.settle(id, found),
    cut: async (id, why) => owner(id)?.cut(id, why),
    async finish(id) {
      await owner(id)?.finish(id)
      dropWhenEmpty()
    },
    bootTime: (counter) => (counter === memoryBoot.counter ? memory : disk)?.bootTime(counter),
    learnBootTime,
    changed,
    write: (track, line) => front().write(track, line),
    gap: (gap) => front().gap(gap),
    status: () => statusOfBoth(memory, disk, reason),
    setQuota(quota) {
      memory?.setQuota(quota)
      disk?.setQuota(quota)
    },
    setMemoryLimits(limits) {
      memory?.setMemoryLimits(limits)
      disk?.setMemoryLimits(limits)
    },
    close,
  }
}

const clockLine = (boot: Boot, { ms, errorMs }: Offset, clock: Clock): string =>
  catalogueLine({
    ...{ v: 1, kind: 'clock', bootCounter: boot.counter, bootId: boot.id, offsetMs: ms, errorMs },
    time: isoOf(clock.mono() + ms),
  })

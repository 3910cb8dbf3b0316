/**
 * Segment files in memory, with what a real disk does on a bad day.
 *
 * Faults that must be survived: a process that dies before, in or after any operation (`crashAt`); a power cut that
 * keeps an unfinished write in part, up to any byte, with blocks of zeros where the file grew and the data did not come,
 * and that may bring back a deleted file; operations that fail as full or broken, after writing a part.
 */

import type { Random } from '../../src/base/random.ts'
import { err, ok, type Result } from '../../src/base/result.ts'
import type { DiskError, SegmentDisk } from '../../src/buffer/segment-disk.ts'

const blockBytes = 512

interface File {
  synced: Buffer
  /** What an unfinished write was about to make of it. */
  intended: Buffer | undefined
}

export interface MemoryDisk extends SegmentDisk {
  /** The next operations fail so, until it is taken away again. */
  fault: DiskError['kind'] | undefined
  /** What a full disk has room for; `undefined`: any amount. */
  capacityBytes: number | undefined
  bytesWritten(): number
  usedBytes(): number
  /** The process dies when so many more steps have begun; its calls are never answered. */
  crashAfterSteps: number | undefined
  /** Operations that begin now are done when `resume` is called. */
  hang(): void
  resume(): void
  /** Resolves when the disk does not hang; others on the same card wait for it too. */
  ready(): Promise<void>
  /** Operations that are under way. */
  inFlight(): number
  crashed(): boolean
  /** A step of something else on this machine: counted like those of the disk. True if the process is dead now. */
  beat(): boolean
  /** Steps since it was made. */
  beats(): number
  /** The same files for the next process. With `power`, unfinished writes survive as chance wills. */
  restart(power: Random | undefined): void
  /** Changes one byte of a stored file. */
  damage(segment: number, position: number): void
  content(segment: number): Buffer | undefined
  /** Of every file: what is safe on it. */
  contents(): Buffer[]
  /** The heaps that were put aside, oldest first. */
  aside(): readonly (readonly Buffer[])[]
}

const never = <T>(): Promise<T> => new Promise(() => {})

export function createMemoryDisk(): MemoryDisk {
  const files = new Map<number, File>()
  const ghosts = new Map<number, File>()
  const aside: { readonly number: number; readonly files: readonly Buffer[] }[] = []
  let written = 0
  let hanging = false
  let hung: (() => void)[] = []
  let inFlight = 0
  let beats = 0
  let dead = false
  let life = 0
  const disk: MemoryDisk = {
    place: '/buffer/segments',
    fault: undefined,
    capacityBytes: undefined,
    crashAfterSteps: undefined,
    bytesWritten: () => written,
    usedBytes: used,
    hang() {
      hanging = true
    },
    resume() {
      hanging = false
      for (const go of hung) go()
      hung = []
    },
    ready: async () => {
      if (hanging) await unhung()
    },
    inFlight: () => inFlight,
    crashed: () => dead,
    beat: () => !alive(life),
    beats: () => beats,
    prepare: () => step(() => failed() ?? ok(undefined)),
    list: () =>
      step(() =>
        ok(
          [...files]
            .map(([segment, { synced }]) => ({ segment, bytes: synced.length }))
            .sort((a, b) => a.segment - b.segment),
        ),
      ),
    create: async (segment) => {
      const created = await step(() => {
        const failure = failed()
        if (failure !== undefined) return failure
        if (files.has(segment)) return err({ kind: 'io', message: 'it exists already' } as const)
        files.set(segment, { synced: Buffer.alloc(0), intended: undefined })
        ghosts.clear()
        return ok(undefined)
      })
      if (!created.ok) return created
      return ok({ append: (position, pieces) => append(segment, position, pieces), close: async () => {} })
    },
    read: (segment, position, length) =>
      step(() => {
        const file = files.get(segment)
        if (disk.fault === 'io') return failed() ?? ok(Buffer.alloc(0))
        if (file === undefined) return err({ kind: 'absent', message: 'it is not there' } as const)
        return ok(Buffer.from(file.synced.subarray(position, position + length)))
      }),
    truncate: (segment, bytes) =>
      step(() => {
        const file = files.get(segment)
        if (file === undefined) return err({ kind: 'absent', message: 'it is not there' } as const)
        file.synced = file.synced.subarray(0, bytes)
        return ok(undefined)
      }),
    remove: (segment) =>
      step(() => {
        const file = files.get(segment)
        if (file !== undefined) ghosts.set(segment, file)
        files.delete(segment)
        return ok(undefined)
      }),
    setAside: (segments) =>
      step(() => {
        const failure = failed()
        if (failure !== undefined) return failure
        const heap = segments.map((segment) => Buffer.from(files.get(segment)?.synced ?? []))
        const number = (aside.at(-1)?.number ?? 0) + 1
        aside.push({ number, files: heap })
        if (aside.length > 2) aside.shift()
        for (const segment of segments) files.delete(segment)
        return ok(`/buffer/segments.quarantined-${number}`)
      }),
    dropAside: () =>
      step(() => {
        const heap = aside.shift()
        return ok(heap && `/buffer/segments.quarantined-${heap.number}`)
      }),
    aside: () => aside.map((heap) => heap.files),
    freeBytes: () => step(() => (disk.capacityBytes === undefined ? undefined : disk.capacityBytes - used())),
    restart(power) {
      dead = false
      life += 1
      disk.crashAfterSteps = undefined
      for (const [segment, ghost] of ghosts)
        if (power !== undefined && power.fraction() < 0.5) files.set(segment, ghost)
      ghosts.clear()
      for (const file of files.values()) {
        if (file.intended !== undefined)
          file.synced = power === undefined ? file.intended : torn(file, file.intended, power)
        file.intended = undefined
      }
    },
    damage(segment, position) {
      const file = files.get(segment)
      if (file === undefined || position >= file.synced.length) throw new Error('no such byte')
      file.synced = Buffer.from(file.synced)
      file.synced[position] = (file.synced[position] ?? 0) ^ 0x55
    },
    content: (segment) => files.get(segment)?.synced,
    contents: () => [...files.values()].map(({ synced }) => synced),
  }

  function used(): number {
    const held = [...files.values()].map(({ synced }) => synced)
    return [...held, ...aside.flatMap((heap) => heap.files)].reduce((sum, { length }) => sum + length, 0)
  }

  function failed(): { readonly ok: false; readonly error: DiskError } | undefined {
    return disk.fault === undefined ? undefined : err({ kind: disk.fault, message: `the disk says ${disk.fault}` })
  }

  /** Every operation begins and ends with a moment in which the process may die. */
  async function step<T>(operation: () => T): Promise<T> {
    const mine = life
    if (!alive(mine)) return never()
    if (hanging) await unhung()
    const result = operation()
    await Promise.resolve()
    return alive(mine) ? result : never()
  }

  async function unhung(): Promise<void> {
    inFlight += 1
    await new Promise<void>((go) => hung.push(go))
    inFlight -= 1
  }

  function alive(mine: number): boolean {
    beats += 1
    if (disk.crashAfterSteps !== undefined) {
      disk.crashAfterSteps -= 1
      if (disk.crashAfterSteps < 0) dead = true
    }
    return !dead && mine === life
  }

  async function append(
    segment: number,
    position: number,
    pieces: readonly Uint8Array[],
  ): Promise<Result<void, DiskError>> {
    const mine = life
    const file = files.get(segment)
    if (!alive(mine) || file === undefined) return never()
    const added = Buffer.concat(pieces)
    const room = (disk.capacityBytes ?? Number.POSITIVE_INFINITY) - used()
    file.intended = Buffer.concat([file.synced.subarray(0, position), added])
    if (hanging) await unhung()
    await Promise.resolve()
    if (!alive(mine)) return never()
    const failure = room < added.length ? err({ kind: 'full', message: 'no space is left' } as const) : failed()
    if (failure !== undefined) {
      // A part of it has arrived.
      file.synced = file.intended.subarray(0, position + Math.floor(Math.min(added.length, room) / 2))
      file.intended = undefined
      return failure
    }
    file.synced = file.intended
    file.intended = undefined
    written += added.length
    await Promise.resolve()
    return alive(mine) ? ok(undefined) : never()
  }
  return disk
}

function torn(file: File, intended: Buffer, power: Random): Buffer {
  const length = file.synced.length + Math.floor(power.fraction() * (intended.length - file.synced.length + 1))
  const content = Buffer.from(intended.subarray(0, length))
  for (let at = file.synced.length; at < length; at += blockBytes) {
    if (power.fraction() < 0.2) content.fill(0, at, Math.min(length, at + blockBytes))
  }
  return content
}

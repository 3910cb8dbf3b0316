/** What the bucket holds in the end, taken apart: which units stand where, and what the records say. */
import { type CatalogueRecord, type GapRecord, parseCatalogueLine } from '../../src/format/catalogue-record.ts'
import { bytesOf, type StoredObject } from './objects.ts'
import { type Captured, nameOf } from './witness.ts'
import type { World } from './world.ts'

/**
 * The store lied twice in a row about where it ends: it was given up though nothing was wrong with it, and whatever is
 * asked about it later, by a process that has forgotten that or because it had been killed, changes nothing.
 */
export const isDisowned = (world: World, key: string): boolean => world.network.hurts.get(key)?.liedTwice === true

export interface Copy {
  readonly key: string
  readonly unit: Captured
  readonly offset: number
  readonly to: number
  /** The recorder was told that it is there. */
  readonly heard: boolean
  /** Where it stands now: whole, beside somebody else's bytes, or nowhere any more. */
  readonly in: 'object' | 'meddled' | 'destroyed'
}

export interface Footage {
  readonly object: StoredObject
  readonly bytes: Buffer
  readonly copies: readonly Copy[]
}

export interface Archive {
  readonly footage: ReadonlyMap<string, Footage>
  readonly copies: ReadonlyMap<Captured, readonly Copy[]>
  readonly catalogue: readonly CatalogueRecord[]
  /** Lines of each track with how often they stand in objects nobody meddled with, and elsewhere. */
  readonly lines: ReadonlyMap<string, { readonly firm: Map<string, number>; readonly other: Map<string, number> }>
}

export function takeApart(world: World): Archive {
  const byName = new Map<string, Captured>()
  for (const own of world.witness.units.values()) {
    for (const unit of own) {
      const name = nameOf(unit.bytes, 0)
      if (byName.has(name)) throw new Error('two units of the simulator are alike')
      byName.set(name, unit)
    }
  }
  const records = recordsOf(world)
  const givenUp = new Set(records.catalogue.flatMap((record) => (record.kind === 'alarm' ? [record.about] : [])))
  const footage = new Map<string, Footage>()
  const copies = new Map<Captured, Copy[]>()
  const add = (copy: Copy): void => void copies.set(copy.unit, [...(copies.get(copy.unit) ?? []), copy])
  for (const object of world.bucket.all()) {
    if (!object.key.endsWith('.ts')) continue
    const at = object.foreignFrom === undefined && !isDisowned(world, object.key) ? 'object' : 'meddled'
    const found = split(world, object, byName, { in: at, confirmed: heardOf(world, object, givenUp.has(object.key)) })
    footage.set(object.key, found)
    for (const copy of found.copies) add(copy)
  }
  for (const { object, confirmed } of world.bucket.destroyed) {
    if (!object.key.endsWith('.ts')) continue
    for (const copy of split(world, object, byName, { in: 'destroyed', confirmed }).copies) add(copy)
  }
  return { footage, copies, ...records }
}

/**
 * How far its recorder was told that an object reaches, and could make use of it: what landed late in an object that had
 * been given up by then may be asked about once more after a restart, and changes nothing.
 */
function heardOf(world: World, object: StoredObject, isGivenUp: boolean): number {
  const confirmed = world.ledger.confirmed(object.key)
  if (isDisowned(world, object.key)) return 0
  const late = isGivenUp ? object.late.filter(({ to }) => to === object.length).map(({ from }) => from) : []
  return Math.min(confirmed, ...late)
}

/** Units from byte 0 on, nothing between, up to where somebody else wrote. */
function split(
  world: World,
  object: StoredObject,
  byName: ReadonlyMap<string, Captured>,
  as: { readonly in: Copy['in']; readonly confirmed: number },
): Footage {
  const bytes = bytesOf(object).subarray(0, object.foreignFrom ?? object.length)
  const copies: Copy[] = []
  for (let offset = 0; offset < bytes.length; ) {
    const unit = byName.get(nameOf(bytes, offset))
    const to = offset + (unit?.bytes.length ?? 0)
    if (unit === undefined || !unit.bytes.equals(bytes.subarray(offset, to))) {
      world.violated('not a unit', `${object.key} at byte ${offset}`)
      break
    }
    copies.push({ key: object.key, unit, offset, to, heard: to <= as.confirmed, in: as.in })
    offset = to
  }
  return { object, bytes, copies }
}

function recordsOf(world: World): Pick<Archive, 'catalogue' | 'lines'> {
  const lines = new Map<string, { firm: Map<string, number>; other: Map<string, number> }>()
  const count = (track: string, where: 'firm' | 'other', text: string): void => {
    const own = lines.get(track) ?? { firm: new Map(), other: new Map() }
    lines.set(track, own)
    own[where].set(text, (own[where].get(text) ?? 0) + 1)
  }
  const catalogue: CatalogueRecord[] = []
  function take(object: StoredObject, confirmed: number, isDestroyed: boolean): void {
    const track = object.key.split('/')[0] ?? ''
    const bytes = bytesOf(object).subarray(0, object.foreignFrom ?? object.length)
    const isFirm = object.foreignFrom === undefined && !isDestroyed && !isDisowned(world, object.key)
    for (let from = 0; from < bytes.length; ) {
      const end = bytes.indexOf(10, from)
      if (end === -1) {
        world.violated('torn line', `${object.key} at byte ${from}`)
        return
      }
      const text = bytes.toString('utf8', from, end)
      count(track, isFirm && end < confirmed ? 'firm' : 'other', text)
      if (track === 'catalogue') {
        const record = parseCatalogueLine(text)
        if (record === undefined) world.violated('no catalogue line', text)
        else catalogue.push(record)
      }
      from = end + 1
    }
  }
  for (const object of world.bucket.all()) {
    if (object.key.endsWith('.jsonl')) take(object, world.ledger.confirmed(object.key), false)
  }
  for (const { object, confirmed } of world.bucket.destroyed) {
    if (object.key.endsWith('.jsonl')) take(object, confirmed, true)
  }
  return { catalogue, lines }
}

export interface Gap {
  readonly record: GapRecord
  /** In ms of the world. */
  readonly fromMs: number
  readonly toMs: number
}

/** The gap records of a camera, on the world's own clock. */
export function gapsOf(world: World, records: readonly CatalogueRecord[], camera: string): Gap[] {
  const zeroOf = (counter: number): number => {
    const boot = world.witness.boots.get(counter)
    if (boot === undefined) world.violated('unknown boot', `a gap record of boot ${counter}`)
    return boot?.zeroAt ?? 0
  }
  return records.flatMap((record): Gap[] => {
    if (record.kind !== 'gap' || record.camera !== camera) return []
    const { bootCounter, fromMonoMs, toMonoMs, endBootCounter, endMonoMs } = record
    const toMs =
      endBootCounter === undefined ? zeroOf(bootCounter) + toMonoMs : zeroOf(endBootCounter) + (endMonoMs ?? 0)
    return [{ record, fromMs: zeroOf(bootCounter) + fromMonoMs, toMs }]
  })
}

/**
 * Objects, playlists and the lines about them: units in order, each once, nothing between; checksums; every object has
 * its two lines in the catalogue, and its playlist covers it to the last byte.
 */

import type { CatalogueRecord } from '../../src/format/catalogue-record.ts'
import { parsePlaylist } from '../../src/format/playlist.ts'
import { crc64 } from '../../src/oss-server/crc64.ts'
import { type Archive, type Footage, isDisowned } from './archive.ts'
import { badDiskIn, forgotSince } from './forgotten.ts'
import { bytesOf } from './objects.ts'
import type { Captured } from './witness.ts'
import type { World } from './world.ts'

type End = Extract<CatalogueRecord, { kind: 'recording-end' }>

/** Answers that lie, in a row, until a playlist is given up: `playlist-job.ts`, `append-plan.ts`. */
const liesMax = 5

export function judgeObjects(world: World, archive: Archive): void {
  const begun = new Set<string>()
  const ends = new Map<string, End>()
  for (const record of [...archive.catalogue, ...destroyedRecords(world)]) {
    if (record.kind === 'recording') begun.add(record.key)
    if (record.kind !== 'recording-end') continue
    const known = ends.get(record.key)
    if (
      known !== undefined &&
      (known.bytes !== record.bytes || known.crc64 !== record.crc64) &&
      !mayEndTwice(world, record.key)
    )
      world.violated('two ends', `${record.key} ends at ${known.bytes} and at ${record.bytes}`)
    ends.set(record.key, record)
  }
  for (const key of [...begun, ...ends.keys()]) {
    const exists = archive.footage.has(key) || world.bucket.destroyed.some(({ object }) => object.key === key)
    if (!exists) world.violated('no object', `the catalogue names ${key}`)
  }
  for (const footage of archive.footage.values())
    judgeObject(world, footage, { begun, end: ends.get(footage.object.key) })
}

/**
 * A database that lost its rows, or could not take the last ones, has forgotten that an object was given up: it is asked
 * about, and given up, once more, as far as is known then.
 */
function mayEndTwice(world: World, key: string): boolean {
  const { bucket, damagedAt } = world
  const isMeddled =
    bucket.find(key)?.foreignFrom !== undefined || bucket.destroyed.some(({ object }) => object.key === key)
  const isForgotten = damagedAt.length > 0 || world.witness.ended.some(({ at }) => badDiskIn(world, at, at))
  return isDisowned(world, key) || (isMeddled && isForgotten)
}

/** Lines that only damage to the database kept from the store. */
function destroyedRecords(world: World): CatalogueRecord[] {
  return world.witness.destroyedLines.flatMap(({ track, text }) =>
    track === 'catalogue' ? [JSON.parse(text) as CatalogueRecord] : [],
  )
}

function judgeObject(
  world: World,
  footage: Footage,
  lines: { readonly begun: ReadonlySet<string>; readonly end: End | undefined },
): void {
  const { object, bytes, copies } = footage
  const { key } = object
  const { end } = lines
  for (const [at, { unit }] of copies.entries()) {
    const before = copies[at - 1]?.unit
    // A recording that was cut may begin in the middle of a GOP that a rule had cut before.
    const isHeir = unit.index > 0 && !unit.keyframe
    if (
      before === undefined
        ? !unit.keyframe && !isHeir
        : before.camera !== unit.camera || unit.index !== before.index + 1
    )
      world.violated('order', `${key}: unit ${unit.index} follows ${before?.index ?? 'nothing'}`)
  }
  if (crc64(bytesOf(object)) !== object.crc64) world.violated('checksum', key)
  // An answer that does not fit is asked for once more; a store that lies twice has lost its object.
  const lied = isDisowned(world, key)
  const excused = lied || isForgotten(world, object)
  const heard = copies.filter((copy) => copy.heard).at(-1)?.to ?? 0
  if (object.foreignFrom === undefined && heard < object.length && !isLate(footage, heard) && !excused)
    world.violated('not asked', `${key} holds ${object.length} bytes, and the recorder was told of ${heard}`)
  if (heard === 0) return
  if (!lines.begun.has(key) && !excused) world.violated('no line', `${key} has no line in the catalogue`)
  if (end === undefined) {
    if (!excused) world.violated('no end', `${key} has no end in the catalogue`)
    return
  }
  const isWhole =
    end.bytes === bytes.length ||
    (object.foreignFrom !== undefined && end.bytes <= bytes.length) ||
    isLate(footage, end.bytes) ||
    (lied && end.why !== 'complete')
  if (!isWhole)
    world.violated('wrong end', `${key} ends at ${end.bytes} by the catalogue (${end.why}), and holds ${bytes.length}`)
  if (crc64(bytes.subarray(0, end.bytes)).toString() !== end.crc64)
    world.violated('wrong end', `${key}: the checksum of its end line`)
  judgePlaylist(world, footage, end)
}

/**
 * Nobody knows of it any more, or of how far it had come: damage to the database took that, or its life could not write it
 * down; or somebody else wrote into it, so that a process that was killed can prove no more than what it had written down.
 */
function isForgotten(world: World, { key, foreignFrom, firstAt, lastAt }: Footage['object']): boolean {
  if (world.orphans.has(key) || world.damagedAt.some((at) => lastAt <= at)) return true
  return foreignFrom !== undefined && forgotSince(world, firstAt)
}

/** What stands behind `from` landed when nobody waited for it any more. */
function isLate({ object }: Footage, from: number): boolean {
  let at = object.foreignFrom ?? object.length
  for (const range of [...object.late].reverse()) if (range.to >= at) at = Math.min(at, range.from)
  return at <= from
}

function judgePlaylist(world: World, { object, copies }: Footage, end: End): void {
  const key = object.key.replace(/\.ts$/, '.m3u8')
  const hurts = world.network.hurts.get(key)
  // It also reads the video object again, and a lie about that looks like one of its own.
  const lies = (hurts?.passing ?? 0) + (world.network.hurts.get(object.key)?.passing ?? 0)
  const isMeddled =
    world.bucket.destroyed.some((one) => one.object.key === key) || world.bucket.find(key)?.foreignFrom !== undefined
  const isHurt = isMeddled || hurts?.liedTwice === true || (hurts?.final ?? 0) > 0 || lies >= liesMax
  const isOurs = end.why === 'complete' || end.why === 'full' || end.why === 'damaged'
  const found = world.bucket.find(key)
  // Deleted and begun again under its name: the playlist is that of the first one.
  if (world.bucket.destroyed.some((one) => one.object.key === object.key)) return
  if (found === undefined) {
    if (!isHurt && isOurs) world.violated('no playlist', key)
    return
  }
  if (!found.appendable) return
  const text = bytesOf(found).subarray(0, found.foreignFrom ?? found.length)
  const parsed = parsePlaylist(text.toString('latin1'))
  if (!parsed.ok) {
    if (text.length > 0) world.violated('playlist', `${key}: ${parsed.error}`)
    return
  }
  const { entries, ended } = parsed.value
  const name = object.key.slice(object.key.lastIndexOf('/') + 1)
  let at = 0
  for (const [n, entry] of entries.entries()) {
    const copy = copies[n]
    if (
      entry.uri !== name ||
      entry.offset !== at ||
      copy === undefined ||
      copy.offset !== entry.offset ||
      copy.to !== at + entry.length
    ) {
      world.violated(
        'playlist',
        `${key}: entry ${n} (${entry.length}@${entry.offset}) is not the unit at ${copy?.offset}`,
      )
      return
    }
    if (!sameLength(entry.durationS, copy.unit))
      world.violated(
        'playlist',
        `${key}: entry ${n} lasts ${entry.durationS} s, its unit ${copy.unit.toMs - copy.unit.fromMs} ms`,
      )
    at += entry.length
  }
  if (isHurt || !isOurs) return
  if (at !== end.bytes) world.violated('playlist', `${key} covers ${at} of ${end.bytes} bytes`)
  if (!ended) world.violated('no end mark', key)
}

/** Read back as the last one there is, a unit of one frame lasts a thirtieth of a second. */
function sameLength(durationS: number, { fromMs, toMs, bytes }: Captured): boolean {
  if (Math.abs(durationS * 1000 - (toMs - fromMs)) < 1.5) return true
  return Math.abs(durationS - 1 / 30) < 1e-3 && framesOf(bytes) === 1
}

function framesOf(bytes: Buffer): number {
  let frames = 0
  for (let at = 0; at < bytes.length; at += 188) if (bytes[at + 1] === 0x41 && bytes[at + 2] === 0) frames += 1
  return frames
}

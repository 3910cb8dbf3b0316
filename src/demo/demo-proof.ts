/** Gathers both witnesses of a recorder's directory and holds the store's objects against them. */
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { type UnitWitness, unitsFile } from '../adapters/proof-files.ts'
import { crc64 } from '../base/crc64.ts'
import { type Place, startInKey, trackFolder } from '../format/names.ts'
import { videoTrack } from '../format/recording.ts'
import type { Archive } from '../reader/archive.ts'
import { frameHashes } from './ffmpeg-frames.ts'
import { type FrameProof, type Life, proveFrames, proveUnits, type StoredObject, type UnitProof } from './proof.ts'

/** One ranged read. */
const pieceBytes = 4 * 1024 * 1024
/** Frames before a run's first keyframe; a camera that is joined in mid GOP sends some. */
const headFramesMax = 250

export interface CameraProof {
  /** Our CRC-64 of each object's bytes is the one that the store computed by itself. */
  readonly crcEqual: boolean
  readonly objects: readonly StoredObject[]
  readonly units: UnitProof
  readonly frames: FrameProof
}

export interface ProofRequest {
  readonly archive: Archive
  readonly place: Place
  readonly camera: string
  /** Where the recorder left its witnesses. */
  readonly directory: string
  /** The recorder's processes, oldest first; a missing one counts as stopped in order. */
  readonly killed: readonly string[]
}

/** @throws where the store or ffmpeg does not answer: a proof that was not made must not look like one */
export async function proveCamera(request: ProofRequest): Promise<CameraProof> {
  const objects = await storedObjects(request)
  const witnessed = readWitnesses(request.directory).filter((unit) => unit.track === videoTrack(request.camera))
  const lives: Life[] = [...new Set(witnessed.map((unit) => unit.life))].map((life) => ({
    life,
    stoppedInOrder: !request.killed.some((pid) => life.startsWith(`${pid}-`)),
  }))
  const units = await proveUnits(objects, witnessed, lives)
  const stored = await frameHashes(Readable.from(bytesOf(request.archive, objects)))
  const runs = readdirSync(request.directory)
    .filter((name) => name.startsWith(`camera-${request.camera}-`))
    .map((name) => ({ name, order: orderOf(name, lives) }))
    .sort((a, b) => a.order - b.order || (a.name < b.name ? -1 : 1))
  const frameRuns = []
  for (const { name } of runs) {
    const killed = request.killed.some((pid) => name.includes(`-${pid}-`))
    frameRuns.push({ name, killed, frames: await frameHashes(join(request.directory, name)) })
  }
  const crcEqual = await crcOfAll(request.archive, objects)
  return { objects, crcEqual, units, frames: proveFrames(stored, frameRuns, headFramesMax) }
}

async function crcOfAll(archive: Archive, objects: readonly StoredObject[]): Promise<boolean> {
  for (const { key, length } of objects) {
    let crc = 0n
    for await (const piece of pieces(archive, key, 0, length)) crc = crc64(piece, crc)
    const stat = await archive.stat(key)
    if (!stat.ok) throw new Error(stat.error.message)
    if (stat.value.length !== length || stat.value.crc64 !== crc) return false
  }
  return objects.length > 0
}

/** Runs of an earlier life come first; process ids do not sort by time. */
const orderOf = (name: string, lives: readonly Life[]): number => {
  const at = lives.findIndex(({ life }) => name.includes(`-${life}-`))
  return at === -1 ? lives.length : at
}

function readWitnesses(directory: string): UnitWitness[] {
  const path = join(directory, unitsFile)
  // A camera that never sent a unit left none.
  if (!existsSync(path)) return []
  return readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as UnitWitness)
}

async function storedObjects({ archive, place, camera }: ProofRequest): Promise<StoredObject[]> {
  const listing = await archive.list(trackFolder(place, videoTrack(camera)), '')
  if (!listing.ok) throw new Error(listing.error.message)
  return listing.value.objects
    .filter(({ key }) => key.endsWith('.ts'))
    .sort((a, b) => (startInKey(a.key) ?? 0) - (startInKey(b.key) ?? 0))
    .map(({ key, length }) => ({
      key,
      length,
      async sha256Of(start, end) {
        const hash = createHash('sha256')
        for await (const piece of pieces(archive, key, start, end)) hash.update(piece)
        return hash.digest('hex')
      },
    }))
}

async function* bytesOf(archive: Archive, objects: readonly StoredObject[]): AsyncGenerator<Uint8Array> {
  for (const { key, length } of objects) yield* pieces(archive, key, 0, length)
}

async function* pieces(archive: Archive, key: string, start: number, end: number): AsyncGenerator<Uint8Array> {
  for (let at = start; at < end; ) {
    const piece = await archive.readRange(key, at, Math.min(end, at + pieceBytes))
    if (!piece.ok) throw new Error(piece.error.message)
    if (piece.value.length === 0) throw new Error(`${key} ended at byte ${at}, before byte ${end}.`)
    yield piece.value
    at += piece.value.length
  }
}

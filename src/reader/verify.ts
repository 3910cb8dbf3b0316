/**
 * Does the archive hold what the device says it holds? For a camera and a range of time, for one object, or for
 * everything below a device: each object is verified (`verify-object.ts`), recordings that the catalogue names are looked
 * for, and every gap is named with its cause. Nothing is changed.
 */
import { ok, type Result } from '../base/result.ts'
import { isoOf, type Place, trackFolder } from '../format/names.ts'
import { videoTrack } from '../format/recording.ts'
import type { ArchiveError } from './archive.ts'
import type { Catalogue, CatalogueReader, Gap } from './catalogue.ts'
import { exitCodeOf, type Finding } from './findings.ts'
import { listCameras, readCamera, type TimeRange } from './recordings.ts'
import { unexplainedHoles } from './verify-gaps.ts'
import { type ObjectWorld, type VerifiedObject, verifyObject } from './verify-object.ts'

export type VerifyTarget =
  | { readonly kind: 'everything'; readonly place: Place }
  | { readonly kind: 'camera'; readonly place: Place; readonly camera: string }
  | { readonly kind: 'object'; readonly place: Place; readonly key: string }

export interface VerifyWorld extends ObjectWorld {
  readonly catalogues: CatalogueReader
  readonly nowMs: number
  /** An object is done. */
  readonly done: (object: VerifiedObject) => void
}

export interface VerifyReport {
  readonly objects: readonly VerifiedObject[]
  /** Gaps with a cause, in the range of time. Not findings: nobody hid them. */
  readonly gaps: readonly Gap[]
  /** All of them, those of the objects included. */
  readonly findings: readonly Finding[]
  readonly exitCode: number
}

/** JSON-lines tracks of a device. */
const lineTracks = ['events', 'health', 'catalogue']

/** @returns an error only if the store could not be asked: what is wrong with the archive stands in the report */
export async function verify(
  world: VerifyWorld,
  target: VerifyTarget,
  range: TimeRange,
  signal: AbortSignal,
): Promise<Result<VerifyReport, ArchiveError>> {
  if (target.kind === 'object') return verifyOne(world, target, signal)
  const cameras = target.kind === 'camera' ? ok([target.camera]) : await camerasOf(world, target.place, signal)
  if (!cameras.ok) return cameras
  const reports: VerifyReport[] = []
  for (const camera of cameras.value) {
    const report = await verifyCamera(world, { place: target.place, camera }, range, signal)
    if (!report.ok) return report
    reports.push(report.value)
  }
  if (target.kind === 'everything') {
    const lines = await verifyLineTracks(world, target.place, signal)
    if (!lines.ok) return lines
    reports.push(lines.value)
  }
  return ok(joined(reports))
}

async function camerasOf(
  world: VerifyWorld,
  place: Place,
  signal: AbortSignal,
): Promise<Result<readonly string[], ArchiveError>> {
  const cameras = await listCameras(world.archive, place.prefix, signal)
  if (!cameras.ok) return cameras
  return ok(cameras.value.filter(({ device }) => device === place.device).map(({ camera }) => camera))
}

async function verifyCamera(
  world: VerifyWorld,
  name: { readonly place: Place; readonly camera: string },
  range: TimeRange,
  signal: AbortSignal,
): Promise<Result<VerifyReport, ArchiveError>> {
  const history = await readCamera(world, name, range, signal)
  if (!history.ok) return history
  const { recordings, gaps, catalogue } = history.value
  const objects: VerifiedObject[] = []
  for (const { key } of recordings) {
    const object = await verifyObject(world, { key, camera: name.camera }, catalogue, signal)
    if (!object.ok) return object
    objects.push(object.value)
    world.done(object.value)
  }
  const present = new Set(recordings.map(({ key }) => key))
  const missing = await missingRecordings(world, { catalogue, ...name }, { present, range }, signal)
  if (!missing.ok) return missing
  const footage = objects.flatMap((object) => object.footage)
  const holes = unexplainedHoles(footage, gaps).map((hole): Finding => {
    const seconds = ((hole.toMs - hole.fromMs) / 1000).toFixed(1)
    const when = `${isoOf(hole.fromMs)} to ${isoOf(hole.toMs)} (${seconds} s)`
    const sentence = `Camera ${name.camera} has no footage from ${when}, and the catalogue gives no cause.`
    return { kind: 'unexplained-gap', key: undefined, camera: name.camera, ...hole, sentence }
  })
  const findings = [...objects.flatMap((object) => object.findings), ...missing.value, ...holes]
  return ok({ objects, gaps, findings, exitCode: exitCodeOf(findings) })
}

/** Recordings of the range that the catalogue names and the listing does not show. */
async function missingRecordings(
  world: VerifyWorld,
  of: { readonly catalogue: Catalogue; readonly place: Place; readonly camera: string },
  looked: { readonly present: ReadonlySet<string>; readonly range: TimeRange },
  signal: AbortSignal,
): Promise<Result<Finding[], ArchiveError>> {
  const findings: Finding[] = []
  const folder = trackFolder(of.place, videoTrack(of.camera))
  for (const [key, line] of of.catalogue.recordings) {
    if (looked.present.has(key) || !key.startsWith(folder)) continue
    const startMs = of.catalogue.wallOf(line.bootCounter, line.startMonoMs)
    const { sinceMs, untilMs } = looked.range
    if (startMs !== undefined && startMs < (sinceMs ?? startMs)) continue
    if (startMs !== undefined && startMs > (untilMs ?? startMs)) continue
    // It may have begun after the listing was made.
    const stat = await world.archive.stat(key, signal)
    if (stat.ok) continue
    if (stat.error.kind !== 'absent') return stat
    const when = startMs === undefined ? '' : ` (it began ${isoOf(startMs)})`
    const sentence = `${key} stands in the catalogue and is not in the bucket${when}: it was deleted, or has expired.`
    findings.push({ kind: 'absent', key, camera: of.camera, fromMs: startMs, toMs: undefined, sentence })
  }
  return ok(findings)
}

async function verifyLineTracks(
  world: VerifyWorld,
  place: Place,
  signal: AbortSignal,
): Promise<Result<VerifyReport, ArchiveError>> {
  const catalogue = await world.catalogues.read(place, undefined, signal)
  if (!catalogue.ok) return catalogue
  const objects: VerifiedObject[] = []
  for (const track of lineTracks) {
    const listing = await world.archive.list(trackFolder(place, track), '', signal)
    if (!listing.ok) return listing
    for (const { key } of listing.value.objects) {
      const object = await verifyObject(world, { key, camera: undefined }, catalogue.value, signal)
      if (!object.ok) return object
      objects.push(object.value)
      world.done(object.value)
    }
  }
  const findings = objects.flatMap((object) => object.findings)
  return ok({ objects, gaps: [], findings, exitCode: exitCodeOf(findings) })
}

async function verifyOne(
  world: VerifyWorld,
  target: { readonly place: Place; readonly key: string },
  signal: AbortSignal,
): Promise<Result<VerifyReport, ArchiveError>> {
  const key = target.key.replace(/\.m3u8$/, '.ts')
  const catalogue = await world.catalogues.read(target.place, undefined, signal)
  if (!catalogue.ok && catalogue.error.kind !== 'absent') return catalogue
  const folder = trackFolder(target.place, videoTrack(''))
  const camera = key.endsWith('.ts') && key.startsWith(folder) ? key.slice(folder.length).split('/')[0] : undefined
  const known = catalogue.ok ? catalogue.value : undefined
  const object = await verifyObject(world, { key, camera }, known, signal)
  if (!object.ok) return object
  world.done(object.value)
  const { findings, footage } = object.value
  const gaps = (known?.gaps ?? []).filter((gap) => gap.camera === camera && camera !== undefined)
  const holes = unexplainedHoles(footage, gaps).map((hole): Finding => {
    const sentence = `${key} has no footage from ${isoOf(hole.fromMs)} to ${isoOf(hole.toMs)}, and the catalogue gives no cause.`
    return { kind: 'unexplained-gap', key, camera, ...hole, sentence }
  })
  const all = [...findings, ...holes]
  const within = gaps.filter((gap) =>
    footage.some((span) => (gap.toMs ?? 0) >= span.fromMs && (gap.fromMs ?? 0) <= span.toMs),
  )
  return ok({ objects: [object.value], gaps: within, findings: all, exitCode: exitCodeOf(all) })
}

function joined(reports: readonly VerifyReport[]): VerifyReport {
  const findings = reports.flatMap((report) => report.findings)
  return {
    objects: reports.flatMap((report) => report.objects),
    gaps: reports.flatMap((report) => report.gaps),
    findings,
    exitCode: exitCodeOf(findings),
  }
}

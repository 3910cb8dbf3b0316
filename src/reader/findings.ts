/**
 * What `verify` may find, and the exit code by which a script tells findings apart. Closed: a new kind is a new row
 * here, and a new line in the help of the command.
 *
 * Codes begin at 10, above the codes every command shares (1 failed, 2 usage, 3 store, 4 in use). With several findings
 * the gravest decides: footage that is wrong before footage that is missing, both before what could not be looked at.
 */
import { isoOf } from '../format/names.ts'

export type FindingKind =
  | 'checksum'
  | 'length'
  | 'undecodable'
  | 'range'
  | 'unit'
  | 'unexplained-gap'
  | 'absent'
  | 'no-playlist'
  | 'playlist'
  | 'line'
  | 'not-checked'

export interface Finding {
  readonly kind: FindingKind
  /** The object it was found in; `undefined` for what lies between objects. */
  readonly key: string | undefined
  readonly camera: string | undefined
  /** Wall ms of the footage it is about, where that is known. */
  readonly fromMs: number | undefined
  readonly toMs: number | undefined
  /** One sentence for people. */
  readonly sentence: string
}

/** In order of gravity. */
export const findingTable: readonly {
  readonly kind: FindingKind
  readonly exitCode: number
  readonly means: string
}[] = [
  { kind: 'checksum', exitCode: 10, means: 'bytes do not have the CRC-64 that the store or the catalogue gives' },
  { kind: 'length', exitCode: 11, means: 'the object is shorter or longer than the store or the catalogue says' },
  { kind: 'undecodable', exitCode: 12, means: 'ffmpeg cannot decode the footage without errors' },
  { kind: 'range', exitCode: 13, means: 'playlist ranges leave holes, overlap, or reach past the object' },
  { kind: 'unit', exitCode: 14, means: 'a playlist entry is not one unit, or its duration, date or mark is wrong' },
  { kind: 'unexplained-gap', exitCode: 15, means: 'footage is missing and the catalogue gives no cause' },
  { kind: 'absent', exitCode: 16, means: 'the object, or a recording that the catalogue names, is not in the bucket' },
  { kind: 'no-playlist', exitCode: 17, means: 'a recording has no playlist' },
  { kind: 'playlist', exitCode: 18, means: 'a playlist cannot be read' },
  { kind: 'line', exitCode: 19, means: 'a line of a JSON-lines object is not JSON' },
  { kind: 'not-checked', exitCode: 20, means: 'something could not be checked (ffmpeg missing, store without CRC-64)' },
]

/** 0 without findings. */
export function exitCodeOf(findings: readonly Finding[]): number {
  return findingTable.find((row) => findings.some((finding) => finding.kind === row.kind))?.exitCode ?? 0
}

/** A finding about one object. */
export function aboutObject(
  object: { readonly key: string; readonly camera?: string | undefined },
  kind: FindingKind,
  sentence: string,
  fromMs?: number,
): Finding {
  return { kind, key: object.key, camera: object.camera, fromMs, toMs: undefined, sentence }
}

/** The finding as JSON: times in ISO 8601 UTC, `null` where there is none. */
export const findingJson = (finding: Finding): Readonly<Record<string, string | null>> => ({
  kind: finding.kind,
  key: finding.key ?? null,
  camera: finding.camera ?? null,
  from: finding.fromMs === undefined ? null : isoOf(finding.fromMs),
  to: finding.toMs === undefined ? null : isoOf(finding.toMs),
  sentence: finding.sentence,
})

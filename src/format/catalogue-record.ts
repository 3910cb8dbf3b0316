/**
 * One line of the catalogue, the device's own account of what it stored and what it could not: JSON, one object a line,
 * `v` first. It replaces a metadata database; a reader that lost it can still list the bucket. Times are UTC, `null`
 * where the boot never learnt the time; `bootCounter` and `…MonoMs` are always there, so that a later `clock` line of
 * the same boot dates them.
 */
import { z } from 'zod'

const time = z.string().nullable()
const boot = z.object({ v: z.literal(1), bootCounter: z.number().int() })

/** A recording got its name and its first bytes are confirmed. */
const recording = boot.extend({
  kind: z.literal('recording'),
  key: z.string(),
  playlist: z.string().optional(),
  track: z.string(),
  camera: z.string().optional(),
  number: z.number().int(),
  token: z.string(),
  start: time,
  startErrorMs: z.number().nullable(),
  startMonoMs: z.number(),
  width: z.number().optional(),
  height: z.number().optional(),
  targetDurationS: z.number().optional(),
})

/** A recording is complete: nothing will be appended any more. */
const recordingEnd = boot.extend({
  kind: z.literal('recording-end'),
  key: z.string(),
  camera: z.string().optional(),
  bytes: z.number(),
  /** CRC-64/XZ of the whole object, unsigned decimal. */
  crc64: z.string(),
  end: time,
  /** `complete`, or why the object was given up (`foreign`, `full` …). */
  why: z.string(),
})

/** Owed footage that does not exist, with its exact range. */
const gap = boot.extend({
  kind: z.literal('gap'),
  camera: z.string(),
  cause: z.enum(['camera', 'evicted', 'disk', 'power', 'corrupt', 'stopped']),
  from: time,
  to: time,
  fromMonoMs: z.number(),
  /** On the clock of the boot in which it began, also where that boot had ended: as near as is known then. */
  toMonoMs: z.number(),
  /** Where a later boot ended the gap: its counter, and the moment on its clock. */
  endBootCounter: z.number().int().optional(),
  endMonoMs: z.number().optional(),
  units: z.number().int(),
  bytes: z.number().int(),
  /** One sentence for people. */
  note: z.string(),
})

/** Where this boot lies on the wall, when that was learnt or corrected by more than 2 s. */
const clock = boot.extend({
  kind: z.literal('clock'),
  bootId: z.string(),
  /** wall ms = monotonic ms + offset. */
  offsetMs: z.number(),
  errorMs: z.number(),
  time,
})

/** Something a person should know about the archive itself. */
const alarm = boot.extend({
  kind: z.literal('alarm'),
  about: z.string(),
  note: z.string(),
  time,
  monoMs: z.number(),
})

const catalogueRecord = z.discriminatedUnion('kind', [recording, recordingEnd, gap, clock, alarm])

export type CatalogueRecord = z.infer<typeof catalogueRecord>
export type GapRecord = z.infer<typeof gap>
export type GapCause = GapRecord['cause']

/** The line without its line feed. */
export const catalogueLine = (record: CatalogueRecord): string => JSON.stringify(record)

/** `undefined` for a line that is not a record of a version we know: readers pass over it. */
export function parseCatalogueLine(line: string): CatalogueRecord | undefined {
  try {
    const parsed = catalogueRecord.safeParse(JSON.parse(line))
    return parsed.success ? parsed.data : undefined
  } catch {
    return undefined
  }
}

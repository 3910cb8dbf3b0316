/**
 * The rows of the LevelDB database: keys, and values as JSON. A value that does not read is a lost row; recovery then
 * rebuilds what it said from the segments.
 *
 *     format            version of these rows
 *     boot              counter and id of the boot that ran last
 *     clean             there while nothing is open: the last stop was in order, and every row is true
 *     rebuilding        there until what a lost database said has been taken from the segments
 *     b/<counter>       a boot, and where it lies on the wall, once known
 *     t/<track>         next sequence number, losses named, next recording number of each boot, holes between lives
 *     r/<recording>     head, claim, what has arrived, where it ends
 *     s/<segment>       a closed segment: the chunks in it that were not confirmed then
 *     l/<track>/<seq>   lines of a record track, as they will be sent
 */
import { z } from 'zod'
import { type Claim, type Extent, recordingName, type TrackId } from '../format/recording.ts'
import type { HeldChunk, Moment, OwedGap, Recording, Track } from './holding.ts'

export const formatKey = 'format'
export const formatVersion = '1'
export const bootKey = 'boot'
export const cleanKey = 'clean'
export const rebuildingKey = 'rebuilding'

const digits = (value: number): string => String(value).padStart(12, '0')

export const prefixes = { bootTime: 'b/', track: 't/', recording: 'r/', segment: 's/', line: 'l/' } as const
export const bootTimeKey = (counter: number): string => `${prefixes.bootTime}${digits(counter)}`
export const trackKey = (track: TrackId): string => `${prefixes.track}${track}`
export const recordingKey = (name: string): string => `${prefixes.recording}${name}`
export const segmentKey = (segment: number): string => `${prefixes.segment}${digits(segment)}`
export const lineKey = (track: TrackId, seq: number): string => `${prefixes.line}${track}/${digits(seq)}`

export function trackOfLineKey(key: string): { track: TrackId; seq: number } {
  const slash = key.lastIndexOf('/')
  return { track: key.slice(prefixes.line.length, slash), seq: Number(key.slice(slash + 1)) }
}

const whole = z.number().int().nonnegative()
const checksum = z
  .string()
  .regex(/^\d{1,20}$/)
  .transform(BigInt)
const extent = z.tuple([whole, checksum]).transform(([length, crc64]): Extent => ({ length, crc64 }))
export const extentJson = ({ length, crc64 }: Extent): [number, string] => [length, crc64.toString()]

const claim = z
  .object({
    key: z.string(),
    playlistKey: z.string().optional(),
    token: z.string(),
    start: z.object({ wallMs: z.number(), errorMs: z.number() }).optional(),
  })
  .transform(({ playlistKey, start, ...rest }): Claim => {
    return { ...rest, ...(playlistKey === undefined ? {} : { playlistKey }), ...(start === undefined ? {} : { start }) }
  })

const head = z
  .object({
    id: z.object({ track: z.string(), boot: whole, number: whole }),
    startMonoMs: z.number(),
    firstSeq: whole,
    video: z
      .object({ codec: z.literal('h264'), width: z.number(), height: z.number(), targetDurationS: z.number() })
      .optional(),
  })
  .transform(({ video, ...rest }) => (video === undefined ? rest : { ...rest, video }))

/** What identifies a recording wherever it is written down: in its row, and in the header of each of its records. */
export const identity = z.object({ head, claim: claim.optional(), base: extent })
export type Identity = z.infer<typeof identity>

export const identityJson = ({ head, claim, base }: Recording): object => ({ head, claim, base: extentJson(base) })

const recording = identity.extend({
  arrived: extent,
  arrivedSeq: whole,
  arrivedEndPts: z.number(),
  closed: z.boolean(),
  endSeq: whole,
  /** A doubt that the store has not settled; `beyond`: also about what stands behind everything known. */
  doubt: z.enum(['within', 'beyond']).optional(),
})
export type RecordingRow = z.infer<typeof recording>

export function recordingRow(held: Recording): string {
  const { arrivedSeq, arrivedEndPts, closed, endSeq, doubtful, beyond } = held
  const doubt = !doubtful ? undefined : beyond ? 'beyond' : 'within'
  const arrived = extentJson(held.arrived)
  return JSON.stringify({ ...identityJson(held), arrived, arrivedSeq, arrivedEndPts, closed, endSeq, doubt })
}

const moment = z.tuple([whole, z.number()]).transform(([boot, monoMs]): Moment => ({ boot, monoMs }))
const owed = z
  .object({
    cause: z.enum(['power', 'stopped']),
    from: moment,
    of: z.string().optional(),
    belowSeq: whole.optional(),
    to: moment.optional(),
  })
  .transform((row): OwedGap => row)
const track = z.object({
  nextSeq: whole,
  losses: whole,
  numbers: z.array(z.tuple([whole, whole])),
  end: moment.optional(),
  owed: z.array(owed).optional(),
})

const momentJson = ({ boot, monoMs }: Moment): [number, number] => [boot, monoMs]
const owedJson = ({ cause, from, of, belowSeq, to }: OwedGap): object => ({
  ...{ cause, from: momentJson(from), of, belowSeq },
  ...(to === undefined ? {} : { to: momentJson(to) }),
})

/** Boots of which nothing is held need no numbers; the newest are kept anyway, the running one among them. */
const bootsKept = 64
export const trackRow = ({ nextSeq, losses, numbers, end, owed }: Track): string =>
  JSON.stringify({
    nextSeq,
    losses,
    numbers: [...numbers].sort(([one], [other]) => other - one).slice(0, bootsKept),
    ...(end === undefined ? {} : { end: momentJson(end) }),
    ...(owed.length === 0 ? {} : { owed: owed.map(owedJson) }),
  })

const bootTime = z.object({
  id: z.string(),
  offset: z.object({ ms: z.number(), errorMs: z.number() }).optional(),
})
export type BootTimeRow = z.infer<typeof bootTime>

const boot = z.object({ counter: whole, id: z.string() })

/** A chunk of video in a segment, with where it lies. `offset`: of its first byte in the file. */
export interface SegmentEntry {
  readonly track: TrackId
  readonly offset: number
  readonly seq: number
  readonly length: number
  readonly crc64: bigint
  readonly before: Extent
  readonly media: {
    readonly firstPts: number
    readonly durationTicks: number
    readonly discontinuity: boolean
    readonly keyframe: boolean
  }
}

const media = z
  .tuple([z.number(), z.number(), z.boolean(), z.boolean()])
  .transform(([firstPts, durationTicks, discontinuity, keyframe]): SegmentEntry['media'] => ({
    firstPts,
    durationTicks,
    discontinuity,
    keyframe,
  }))

/** The part of an entry that does not depend on where it lies. */
export const chunkShape = z.object({ seq: whole, crc64: checksum, before: extent, media })

export function chunkJson({ chunk, before }: Pick<HeldChunk, 'chunk' | 'before'>): object {
  const { firstPts = 0, durationTicks = 0, discontinuity = false, keyframe = true } = chunk.media ?? {}
  return {
    seq: chunk.seq,
    crc64: chunk.crc64.toString(),
    before: extentJson(before),
    media: [firstPts, durationTicks, discontinuity, keyframe],
  }
}

/** A closed segment: see `segment-rows.ts`. */
export interface SegmentRow {
  readonly bytes: number
  /** It holds footage of events. */
  readonly protected?: boolean
  /** Not confirmed when it was closed. */
  readonly chunks: readonly SegmentEntry[]
}

interface RowedSegment {
  readonly bytes: number
  readonly protected: boolean
  readonly live: Iterable<HeldChunk>
}

export function segmentRow({ bytes, protected: kept, live }: RowedSegment): string {
  const chunks: object[] = []
  for (const held of live) {
    if (held.place.at !== 'segment') continue
    const { track } = held.owner.head.id
    chunks.push({ ...chunkJson(held), track, offset: held.place.offset, length: held.chunk.length })
  }
  return JSON.stringify({ bytes, ...(kept ? { protected: true } : {}), chunks })
}

export const shapes = { recording, track, bootTime, boot } as const

/** `undefined` for a value that is not what it should be. */
export function parseRow<T extends z.ZodType>(shape: T, value: string): z.infer<T> | undefined {
  try {
    const parsed = shape.safeParse(JSON.parse(value))
    return parsed.success ? parsed.data : undefined
  } catch {
    return undefined
  }
}

export const nameOf = (row: Identity): string => recordingName(row.head.id)

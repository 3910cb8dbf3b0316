/**
 * One line of the events track: JSON, `v` first. An event is two lines, since a line that was appended never changes:
 * `start` is written the moment it is known, `end` when it is over; `id` joins them. An event without an end was cut off
 * by the power, or by a recorder that was killed.
 *
 * Times are UTC, `null` where the boot had not learnt the time yet; `bootCounter` and `monoMs` are always there, so that
 * a later `clock` line of the catalogue dates them, and are the same clock as the media time of the footage.
 */
import { z } from 'zod'

const eventBase = z.object({
  v: z.literal(1),
  /** Unique for the device: boot counter, input, and the monotonic time of its start in µs. */
  id: z.string(),
  bootCounter: z.number().int(),
  input: z.string(),
  /** What an active input means: `motion`, `door`, `tamper` or `button`. Readers take other words as they are. */
  sense: z.string(),
  /** Cameras that look at what the input senses. */
  cameras: z.array(z.string()).readonly(),
  time: z.string().nullable(),
  /** The true time is within `time` ± this. */
  timeErrorMs: z.number().nullable(),
  monoMs: z.number(),
})

const eventStart = eventBase.extend({
  kind: z.literal('start'),
  /** False if the input was already active when watching began: then it began at some time before. */
  seen: z.boolean(),
})

const eventEnd = eventBase.extend({
  kind: z.literal('end'),
  durationMs: z.number(),
  /** `level`: it came to rest. `lost`: the line failed. `stopped`: the recorder was stopped. The last two end it unseen. */
  cause: z.enum(['level', 'lost', 'stopped']),
})

const eventRecord = z.discriminatedUnion('kind', [eventStart, eventEnd])

export type EventRecord = z.infer<typeof eventRecord>

/** The line without its line feed, `v` and `kind` first, so that a person can read a column of them. */
export function eventLine(record: EventRecord): string {
  const { v, kind, ...rest } = record
  return JSON.stringify({ v, kind, ...rest })
}

/** `undefined` for a line that is not a record of a version we know: readers pass over it. */
export function parseEventLine(line: string): EventRecord | undefined {
  try {
    const parsed = eventRecord.safeParse(JSON.parse(line))
    return parsed.success ? parsed.data : undefined
  } catch {
    return undefined
  }
}

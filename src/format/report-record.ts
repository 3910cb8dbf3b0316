/**
 * One line of the health track: JSON, `v` first. It says first whether what is owed reaches the archive (`verdict`,
 * `problems`), then why not. Each field stands here once, with its unit and a sentence, and the table for people
 * (`reportTable`) is made from the same place.
 *
 * Counts named `…Since` cover the time from the report before (`intervalMs`), or from the start of the recorder.
 */
import * as z from 'zod'
import { limits } from '../base/limits.ts'

interface FieldNote {
  readonly unit: string
  readonly sentence: string
}
const notes = z.registry<FieldNote>()

function field<T extends z.ZodType>(schema: T, unit: string, sentence: string): T {
  notes.add(schema, { unit, sentence })
  return schema
}

const text = z.string()
const count = z.number().int()
const amount = z.number()
const bytes = 'bytes'

const cameraReport = z.object({
  name: field(text.clone(), '', 'The camera.'),
  state: field(text.clone(), '', 'What it does now: starting, recording, stalled, waiting or stopped.'),
  owedMs: field(amount.clone(), 'ms', 'Footage that should exist since the last report.'),
  capturedMs: field(
    amount.nullable(),
    'ms',
    'Footage that was captured since, estimated from its units and their length.',
  ),
  unitsSince: field(count.clone(), 'units', 'Units captured since the last report.'),
  bytesSince: field(amount.clone(), bytes, 'Bytes captured since the last report.'),
  lastUnitAgeMs: field(amount.nullable(), 'ms', 'Age of the newest unit.'),
  restarts: field(count.clone(), '', 'Times the camera was started again since the recorder started.'),
  problem: field(text.nullable(), '', 'Why it does not record.'),
})

const inputReport = z.object({
  name: field(text.clone(), '', 'The input.'),
  active: field(z.boolean().nullable(), '', 'Whether it is active now.'),
  events: field(count.clone(), '', 'Events since the recorder started.'),
  problem: field(text.nullable(), '', 'Why it is not watched.'),
})

const reportRecord = z.object({
  v: field(z.literal(1), '', 'Version of this form of report.'),
  reason: field(z.enum(['start', 'schedule']), '', 'Why it was made: the recorder had started, or it was time.'),
  verdict: field(
    z.enum(['ok', 'behind', 'failing']),
    '',
    'Whether what is owed reaches the archive: ok; behind (held back, nothing lost yet); failing (footage is missing).',
  ),
  problems: field(z.array(text.clone()).readonly(), '', 'What is wrong, one sentence each.'),
  device: field(text.clone(), '', 'The recorder.'),
  version: field(text.clone(), '', 'Version of its program.'),
  bootCounter: field(count.clone(), '', 'Grows by one with each start of the machine.'),
  time: field(text.nullable(), 'UTC', 'When the report was made, if this boot knows the time.'),
  timeErrorMs: field(amount.nullable(), 'ms', 'Greatest error of that time.'),
  monoMs: field(amount.clone(), 'ms', "The same moment on the machine's clock since its start."),
  intervalMs: field(amount.clone(), 'ms', 'Time that this report covers.'),
  processUptimeMs: field(amount.clone(), 'ms', 'Since the recorder started.'),
  late: field(z.boolean(), '', 'Made well after its time, because the clock was set forward or the machine was busy.'),
  cameras: field(z.array(cameraReport).readonly(), '', 'Each camera.'),
  inputs: field(z.array(inputReport).readonly(), '', 'Each input.'),
  buffer: field(
    z.object({
      units: field(count.clone(), 'units', 'Units that wait on the disk or in memory.'),
      bytes: field(amount.clone(), bytes, 'Bytes that wait.'),
      quotaBytes: field(amount.clone(), bytes, 'What may wait on the disk at most.'),
      oldestUnitAgeMs: field(amount.nullable(), 'ms', 'Age of the oldest unit that waits.'),
      evictedUnitsSince: field(
        count.clone(),
        'units',
        'Units given up since the last report, because the disk was full.',
      ),
      evictedBytesSince: field(amount.clone(), bytes, 'Bytes given up since the last report.'),
      problem: field(text.nullable(), '', 'What is wrong with the disk.'),
    }),
    '',
    'Footage that waits for the network.',
  ),
  uplink: field(
    z.object({
      state: field(text.clone(), '', 'What it does: idle, sending, waiting or blocked.'),
      confirmedBytesSince: field(amount.clone(), bytes, 'Bytes that the store confirmed since the last report.'),
      backlogBytes: field(amount.clone(), bytes, 'Bytes held that the store has not confirmed.'),
      bytesPerS: field(amount.nullable(), 'bytes a second', 'Speed of the link as last measured.'),
      requestsSince: field(count.clone(), '', 'Requests since the last report.'),
      failuresSince: field(count.clone(), '', 'Failed requests since the last report.'),
      resyncsSince: field(
        count.clone(),
        '',
        'Times since that the end of an object had to be asked for after a failure.',
      ),
      lastConfirmedAgeMs: field(amount.nullable(), 'ms', 'Time since the store last confirmed anything.'),
      problem: field(text.nullable(), '', 'Why it does not send.'),
    }),
    '',
    'The way to the store.',
  ),
  machine: field(
    z.object({
      uptimeMs: field(amount.clone(), 'ms', 'Since the machine started.'),
      load1: field(amount.clone(), '', 'Processes that wanted to run, on average of the last minute.'),
      cpus: field(count.clone(), '', 'Processors.'),
      memoryBytes: field(amount.clone(), bytes, 'Memory of the machine.'),
      memoryAvailableBytes: field(amount.nullable(), bytes, 'Memory that programs can still get.'),
      processBytes: field(amount.clone(), bytes, 'Memory of the recorder.'),
      diskBytes: field(amount.nullable(), bytes, 'Size of the file system of the buffer.'),
      diskFreeBytes: field(amount.nullable(), bytes, 'What is free on it.'),
      temperatureC: field(amount.nullable(), '°C', 'The hottest sensor.'),
      underVoltage: field(z.boolean().nullable(), '', 'Whether the power supply is too weak now.'),
    }),
    '',
    'The machine.',
  ),
})

export type ReportRecord = z.infer<typeof reportRecord>
export type CameraReport = ReportRecord['cameras'][number]
export type Verdict = ReportRecord['verdict']

/** Sentences are cut to this many characters, and to the second where a report would still be too long. */
const sentenceCharsMax = 300
const shortSentenceCharsMax = 60
/** Beyond the first few, problems repeat each other. */
const problemsMax = 20

/**
 * The line without its line feed, at most `limits.recordBytesMax` long. 16 cameras and 32 inputs take 12 KiB, and their
 * sentences at full length up to 17,000 characters more; where these take several bytes each, they are shortened.
 */
export function reportLine(record: ReportRecord): string {
  const { v, ...rest } = record
  const line = (charsMax: number): string =>
    JSON.stringify({ v, ...rest, problems: rest.problems.slice(0, problemsMax) }, (_key, value: unknown) =>
      typeof value === 'string' ? cut(value, charsMax) : value,
    )
  const full = line(sentenceCharsMax)
  return Buffer.byteLength(full) <= limits.recordBytesMax ? full : line(shortSentenceCharsMax)
}

/** Control characters would take six bytes each in JSON, and mean nothing to a reader. */
function cut(value: string, charsMax: number): string {
  const plain = value.replace(/[\p{Cc}\p{Cs}]/gu, ' ')
  return plain.length <= charsMax ? plain : `${plain.slice(0, charsMax - 1).replace(/[\uD800-\uDBFF]$/, '')}…`
}

/** `undefined` for a line that is not a report of a version we know: readers pass over it. */
export function parseReportLine(line: string): ReportRecord | undefined {
  try {
    const parsed = reportRecord.safeParse(JSON.parse(line))
    return parsed.success ? parsed.data : undefined
  } catch {
    return undefined
  }
}

/** Every field with its unit and what it says, as a table in Markdown. */
export function reportTable(): string {
  const rows = rowsOf(reportRecord, '')
  return ['| field | unit | what it says |', '|---|---|---|', ...rows].join('\n')
}

function rowsOf(schema: z.ZodObject, path: string): string[] {
  return Object.entries(schema.shape).flatMap(([name, value]) => {
    const note = notes.get(value as z.ZodType)
    const inner = innerObject(value as z.ZodType)
    const own = `| \`${path}${name}\` | ${note?.unit ?? ''} | ${note?.sentence ?? ''} |`
    return inner === undefined ? [own] : [own, ...rowsOf(inner.schema, `${path}${name}${inner.list ? '[].' : '.'}`)]
  })
}

function innerObject(schema: z.ZodType): { readonly schema: z.ZodObject; readonly list: boolean } | undefined {
  if (schema instanceof z.ZodReadonly) return innerObject(schema.unwrap() as z.ZodType)
  if (schema instanceof z.ZodObject) return { schema, list: false }
  if (schema instanceof z.ZodArray && schema.element instanceof z.ZodObject)
    return { schema: schema.element, list: true }
  return undefined
}

/**
 * Stored times are UTC; people read and type the site's time. Both directions, with the offset always written out, since
 * one hour of a year comes twice. The zone's rules are those of the runtime (Intl).
 */
import { err, ok, type Result } from '../base/result.ts'

const minuteMs = 60_000
const hourMs = 60 * minuteMs
const dayMs = 24 * hourMs

const unitsMs: Readonly<Record<string, number>> = { s: 1000, m: minuteMs, h: hourMs, d: dayMs }

/** `2026-11-23 16:00:00 +01:00` for a wall time in ms. */
export function siteTime(ms: number, zone: string): string {
  const offset = offsetMs(ms, zone)
  return `${localIso(ms, offset).slice(0, 19).replace('T', ' ')} ${offsetText(offset)}`
}

/** `2026-11-23`: the site's day. */
export const siteDay = (ms: number, zone: string): string => localIso(ms, offsetMs(ms, zone)).slice(0, 10)

/** What the site's clock is ahead of UTC by, in ms. */
export function offsetMs(ms: number, zone: string): number {
  const parts = new Intl.DateTimeFormat('en-US', {
    timeZone: zone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  }).formatToParts(new Date(ms))
  const part = (type: string): number => Number(parts.find((one) => one.type === type)?.value ?? 0)
  const local = Date.UTC(part('year'), part('month') - 1, part('day'), part('hour'), part('minute'), part('second'))
  return local - Math.floor(ms / 1000) * 1000
}

/**
 * A moment as a person types it: `-10m` (s, m, h, d ago), `16:30` (today at the site), `2026-11-23`, `2026-11-23 16:30`
 * (site time), or ISO 8601 with `Z` or an offset.
 *
 * @returns wall time in ms, or a sentence that says what is accepted
 */
export function parseMoment(text: string, zone: string, nowMs: number): Result<number, string> {
  const ago = /^-(\d{1,6})\s*([smhd])$/.exec(text)
  if (ago !== null) return ok(nowMs - Number(ago[1]) * (unitsMs[ago[2] ?? ''] ?? 0))
  if (text === 'now') return ok(nowMs)
  const time = /^(\d{1,2}:\d\d(?::\d\d)?)$/.exec(text)
  if (time !== null) return atSite(siteDay(nowMs, zone), time[1] ?? '', zone, text)
  const date = /^(\d{4}-\d\d-\d\d)(?:[T ](\d{1,2}:\d\d(?::\d\d(?:\.\d{1,3})?)?))?$/.exec(text)
  if (date !== null) return atSite(date[1] ?? '', date[2] ?? '00:00', zone, text)
  if (/^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d{1,3})?)?\s*(Z|[+-]\d\d:?\d\d)$/.test(text)) {
    const ms = Date.parse(text.replace(' ', 'T').replace(' ', ''))
    if (!Number.isNaN(ms)) return ok(ms)
  }
  return refused(text)
}

const refused = (text: string): Result<number, string> =>
  err(
    `"${text}" is not a time. Say for example -10m (s, m, h or d ago), 16:30 (today at the site), "2026-11-23 16:30" (site time) or 2026-11-23T15:30:00Z.`,
  )

function atSite(day: string, time: string, zone: string, text: string): Result<number, string> {
  const local = Date.parse(`${day}T${time.padStart(time.indexOf(':') === 1 ? time.length + 1 : time.length, '0')}Z`)
  if (Number.isNaN(local) || new Date(local).toISOString().slice(0, 10) !== day) return refused(text)
  // The offset at the moment itself: asked twice, since the first guess may lie across a change of clocks.
  const guess = local - offsetMs(local, zone)
  return ok(local - offsetMs(guess, zone))
}

const localIso = (ms: number, offset: number): string => new Date(Math.floor(ms / 1000) * 1000 + offset).toISOString()

function offsetText(offset: number): string {
  const minutes = Math.abs(Math.round(offset / minuteMs))
  const two = (value: number): string => String(value).padStart(2, '0')
  return `${offset < 0 ? '-' : '+'}${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`
}

/**
 * Is each playlist entry one unit of video, as long and as dated as it says? Everything an entry states can be found
 * again in the bytes: where the unit begins (PAT, PMT, keyframe), when (PTS), and whether the clock may have jumped.
 *
 * It is fed the object's bytes in order and holds no more than one entry of them. Pure: it reads nothing by itself.
 */
import { limits } from '../base/limits.ts'
import type { PlaylistEntry } from '../format/playlist.ts'
import { readUnits } from '../format/read-units.ts'
import { type MediaInfo, ticksBetween, ticksPerMs, ticksPerSecond } from '../format/unit.ts'

/** EXTINF has five decimals, a tick is 11 µs: one tick of rounding on each side. */
const durationToleranceS = 0.00003
/**
 * The last unit of a recording whose camera went on in the next one: its length is known from a frame that is not in
 * this object. Half a second is more than one missing frame, and less than any gap that would be named.
 */
const lastDurationToleranceS = 0.5
/** Thirty EXTINF roundings lie between two dates, and dates have whole milliseconds. */
const dateToleranceMs = 5

export interface EntryCheck {
  /** The next bytes of the object. */
  add(bytes: Uint8Array): void
  /** The object is over. */
  finish(): void
  /** Entries found to be one unit. */
  readonly units: number
  /** Of those, units that do not begin with a keyframe: GOPs longer than the target duration, cut by rule. */
  readonly cutByRule: number
}

interface Checked {
  readonly entry: PlaylistEntry
  readonly media: MediaInfo
  readonly index: number
}

/**
 * @param sound entries from byte 0, without holes
 * @param tell a sentence for each thing that is wrong, with the entry's wall time in ms where it has one
 */
export function createEntryCheck(
  sound: readonly PlaylistEntry[],
  targetDurationS: number,
  tell: (sentence: string, wallMs: number | undefined) => void,
): EntryCheck {
  let pieces: Uint8Array[] = []
  let held = 0
  let index = 0
  let units = 0
  let cutByRule = 0
  let first: Checked | undefined
  let previous: Checked | undefined

  function entryIsWhole(bytes: Uint8Array, entry: PlaylistEntry): void {
    const found = readUnits(bytes, targetDurationS * ticksPerSecond)
    const [unit] = found
    const complain = (what: string): void => tell(`entry ${index + 1} (byte ${entry.offset}) ${what}`, entry.wallMs)
    if (unit === undefined || unit.length !== bytes.length) {
      const what = found.length > 1 ? `holds ${found.length} units` : 'does not begin with PAT, PMT and a whole frame'
      complain(`is not one unit: it ${what}`)
      previous = undefined
      return
    }
    units += 1
    if (!unit.media.keyframe) cutByRule += 1
    const current: Checked = { entry, media: unit.media, index }
    const known = previous
    if (!unit.media.keyframe && (index === 0 || unit.media.discontinuity)) complain('does not begin with a keyframe')
    if (index > 0 && unit.media.discontinuity !== entry.discontinuity) {
      complain(entry.discontinuity ? 'has a discontinuity that is not in its bytes' : 'hides a discontinuity')
    }
    if (Math.round(entry.durationS) > targetDurationS) complain(`is longer than the target of ${targetDurationS} s`)
    if (known !== undefined) checkDuration(known, unit.media.discontinuity ? undefined : unit.media)
    first ??= current
    checkDate(current, first, complain)
    previous = current
  }

  /** @param next the unit that follows in the same run of the camera, if there is one in this object */
  function checkDuration(checked: Checked, next: MediaInfo | undefined, tolerance = durationToleranceS): void {
    const { entry, media } = checked
    const ticks = next === undefined ? media.durationTicks : ticksBetween(media.firstPts, next.firstPts)
    const seconds = ticks / ticksPerSecond
    if (Math.abs(seconds - entry.durationS) <= tolerance) return
    const sentence = `entry ${checked.index + 1} (byte ${entry.offset}) says ${entry.durationS} s; its frames last ${seconds.toFixed(5)} s`
    tell(sentence, entry.wallMs)
  }

  return {
    add(bytes) {
      let at = 0
      for (let entry = sound[index]; entry !== undefined && at < bytes.length; entry = sound[index]) {
        const take = Math.min(entry.length - held, bytes.length - at)
        if (entry.length <= limits.unitBytesMax) pieces.push(bytes.subarray(at, at + take))
        held += take
        at += take
        if (held < entry.length) return
        if (entry.length <= limits.unitBytesMax) entryIsWhole(Buffer.concat(pieces), entry)
        else tell(`entry ${index + 1} has ${entry.length} bytes: more than a unit may have`, entry.wallMs)
        pieces = []
        held = 0
        index += 1
      }
    },
    finish() {
      if (previous !== undefined) checkDuration(previous, undefined, lastDurationToleranceS)
    },
    get units() {
      return units
    },
    get cutByRule() {
      return cutByRule
    },
  }
}

function checkDate(current: Checked, first: Checked, complain: (what: string) => void): void {
  const at = current.entry.wallMs
  const from = first.entry.wallMs
  if (at === undefined || from === undefined) return
  const offMs = at - from - ticksBetween(first.media.firstPts, current.media.firstPts) / ticksPerMs
  if (Math.abs(offMs) > dateToleranceMs) complain(`is dated ${Math.round(offMs)} ms away from its media time`)
}

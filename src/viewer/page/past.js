// @ts-check
/** The list of the past: recordings and the gaps between them, newest first, to be chosen by mouse, finger or keyboard. */
import { duration, siteTime, size } from './words.js'

/** @typedef {{ key: string, url: string | null, bytes: number, state: string, startMs: number | null, endMs: number | null }} Recording */
/** @typedef {{ cause: string, note: string, fromMs: number | null, toMs: number | null }} Gap */
/**
 * @typedef {object} PastWorld
 * @property {HTMLElement} list an empty `ol`
 * @property {HTMLElement} empty shown instead of an empty list
 * @property {(recording: Recording) => void} chooseRecording
 * @property {(gap: Gap) => void} chooseGap
 */

/** @param {PastWorld} world */
export function createPast(world) {
  /** What is shown. Built anew only when it changed, so that the keyboard's place is kept. */
  let shown = ''

  return {
    /**
     * @param {Recording[]} recordings oldest first
     * @param {Gap[]} gaps
     * @param {{ key: string | undefined, zone: string }} state what is playing, and where the site is
     */
    show(recordings, gaps, { key, zone }) {
      const rows = [
        ...recordings.map((recording) => ({ at: recording.startMs ?? 0, recording, gap: undefined })),
        ...gaps.map((gap) => ({ at: gap.fromMs ?? 0, recording: undefined, gap })),
      ].sort((a, b) => b.at - a.at)
      const next = JSON.stringify([rows, key, zone])
      if (next === shown) return
      shown = next
      world.empty.hidden = rows.length > 0
      world.empty.textContent = 'Nothing was recorded in the last 24 hours.'
      const focused = document.activeElement instanceof HTMLElement ? document.activeElement.dataset.row : undefined
      const newest = recordings.at(-1)
      world.list.replaceChildren(
        ...rows.map((row) => {
          if (row.gap !== undefined) return gapRow(row.gap, zone)
          return recordingRow(row.recording, {
            zone,
            playing: row.recording.key === key,
            newest: row.recording === newest,
          })
        }),
      )
      const again = [...world.list.querySelectorAll('button')].find((button) => button.dataset.row === focused)
      if (focused !== undefined) again?.focus()
    },
  }

  /**
   * @param {Recording} recording
   * @param {{ zone: string, playing: boolean, newest: boolean }} how
   */
  function recordingRow(recording, { zone, playing, newest }) {
    // Only the newest can be growing for all we know; an older one without an end waits for its recorder's return.
    const open = newest ? ', growing' : ', open'
    const state = recording.state === 'complete' ? '' : recording.state === 'growing' ? open : ', given up'
    // The end of one that grows is out of date as soon as it is written.
    const grows = newest && recording.state === 'growing' && recording.startMs !== null
    const since = `since ${spanWords(recording.startMs, null, zone)}`
    const span = grows ? since : spanWords(recording.startMs, recording.endMs, zone)
    const { item, button } = listRow(recording.key, span, `${size(recording.bytes)}${state}`, '')
    if (playing) button.setAttribute('aria-current', 'true')
    button.addEventListener('click', () => world.chooseRecording(recording))
    return item
  }

  /**
   * @param {Gap} gap
   * @param {string} zone
   */
  function gapRow(gap, zone) {
    const lasting = gap.fromMs === null || gap.toMs === null ? '' : duration(gap.toMs - gap.fromMs)
    const note = `no footage: ${gap.cause}. ${gap.note}`
    const { item, button } = listRow(`gap ${gap.fromMs}`, spanWords(gap.fromMs, gap.toMs, zone), lasting, note)
    item.classList.add('gap')
    button.addEventListener('click', () => world.chooseGap(gap))
    return item
  }
}

/**
 * @param {string} id
 * @param {string} span
 * @param {string} measure
 * @param {string} note
 */
function listRow(id, span, measure, note) {
  const item = document.createElement('li')
  const button = document.createElement('button')
  button.type = 'button'
  button.dataset.row = id
  for (const [name = '', text = ''] of [
    ['span', span],
    ['size', measure],
    ['note', note],
  ]) {
    if (text === '') continue
    const part = document.createElement('span')
    part.className = name
    part.textContent = text
    button.append(part)
  }
  item.append(button)
  return { item, button }
}

/**
 * @param {number | null} fromMs
 * @param {number | null} toMs
 * @param {string} zone
 */
function spanWords(fromMs, toMs, zone) {
  if (fromMs === null) return 'time unknown'
  const from = siteTime(fromMs, zone)
  return toMs === null ? from.clock : `${from.clock} – ${siteTime(toMs, zone).clock}`
}

// @ts-check
/**
 * The page: which camera, which recording, what the state line says, and the list of the past. The picture itself is
 * `player.js`'s business.
 *
 * Live means the camera's newest recording: when one is over, or stands still while a newer one exists, the page goes on
 * to it by itself. Everything is asked again for ever; nothing needs a reload.
 */
import { createPast } from './past.js'
import { createPlayer } from './player.js'
import { duration, siteTime } from './words.js'

/** While nothing plays, or the picture stands still, the newest recording is asked for this often. */
const eagerMs = 1_500
/** Otherwise it is only watched for. */
const calmMs = 10_000
const listMs = 15_000
const dayMs = 86_400_000
/** The picture stood still for this long: say so, and look for a newer recording. */
const stillMsMax = 4_000
/** A gap is shown from this long before it. */
const beforeGapMs = 5_000

/** @param {string} id */
const element = (id) => /** @type {HTMLElement} */ (document.getElementById(id))
const video = /** @type {HTMLVideoElement} */ (element('video'))
const player = createPlayer(video)

/** @typedef {{ device: string, camera: string }} CameraName */
/** @typedef {import('./past.js').Recording} Recording */
/** @typedef {import('./past.js').Gap} Gap */

let zone = 'UTC'
/** What the viewing machine's clock is behind the server's by, in ms. */
let skewMs = 0
/** @type {CameraName | undefined} */
let camera
/** @type {CameraName[]} */
let cameras = []
/** @type {{ key: string, live: boolean } | undefined} */
let playing
/** @type {Recording[]} */
let recordings = []
/** @type {Gap[]} */
let gaps = []
/** @type {string | null} Why the last question was not answered. */
let askProblem = null
/** @type {string | null} Why there is nothing to play. */
let waitingFor = null
let nextLook = 0
let nextList = 0
let looking = false
/** The present recording's end was noticed. */
let endSeen = false

const now = () => Date.now() + skewMs

/**
 * @param {string} path
 * @param {Record<string, string>} [query]
 * @returns {Promise<any>} the answer; `undefined` if there was none
 */
async function ask(path, query = {}) {
  try {
    const response = await fetch(`${path}?${new URLSearchParams(query)}`, { signal: AbortSignal.timeout(10_000) })
    const answer = await response.json()
    if (!response.ok) throw new Error(answer.problem)
    zone = answer.timeZone
    skewMs = answer.nowMs - Date.now()
    askProblem = null
    return answer
  } catch (problem) {
    askProblem =
      problem instanceof TypeError
        ? 'no answer from this page’s server'
        : String(/** @type {Error} */ (problem).message)
    return undefined
  }
}

const named = () => ({ device: camera?.device ?? '', camera: camera?.camera ?? '' })

/** Looks which recording is the newest, and goes on to it where that is due. */
async function look() {
  if (cameras.length === 0) await findCameras()
  if (camera === undefined) return
  const answer = await ask('/api/live', named())
  if (answer === undefined) return
  const { newest } = answer
  waitingFor =
    newest === null
      ? `Camera ${camera.camera} has stored nothing yet. It is played as soon as its first footage arrives.`
      : newest.playable
        ? null
        : 'A recording has begun; its first second is on the way.'
  if (newest === null || !newest.playable) return
  if (playing === undefined) return start(newest, true)
  if (!playing.live || newest.key === playing.key) return
  const behindMs = newest.endMs === null ? 0 : newest.endMs - (player.pictureMs() ?? 0)
  // The old one may still be filled up behind a cut that favours the live picture: then do not wait for its end.
  if (player.atEnd() || player.stillForMs() > stillMsMax || behindMs > 15_000) start(newest, true)
}

/**
 * @param {{ key: string, url: string | null }} recording
 * @param {boolean} live
 * @param {number} [atMs]
 */
function start(recording, live, atMs) {
  if (recording.url === null) return
  playing = { key: recording.key, live }
  endSeen = false
  player.play(recording.url, atMs === undefined ? { live } : { live, atMs })
  nextList = 0
  showList()
}

async function findCameras() {
  const answer = await ask('/api/cameras')
  if (answer === undefined) return
  cameras = answer.cameras
  waitingFor = 'No camera has stored anything yet. The first one to arrive is played.'
  const asked = new URLSearchParams(location.search)
  const device = asked.get('device') ?? answer.device
  const wanted = asked.get('camera')
  camera =
    wanted === null
      ? (cameras.find((one) => one.device === device) ?? cameras[0])
      : (cameras.find((one) => one.camera === wanted && one.device === device) ?? { device, camera: wanted })
  element('cameras').replaceChildren(
    ...cameras.map((one) => {
      const link = document.createElement('a')
      link.href = `?${new URLSearchParams({ ...one })}`
      link.textContent = one.device === answer.device ? one.camera : `${one.device}/${one.camera}`
      if (one.camera === camera?.camera && one.device === camera.device) link.setAttribute('aria-current', 'page')
      return link
    }),
  )
  document.title = camera === undefined ? 'Watchpost' : `${camera.camera} · Watchpost`
}

async function refreshList() {
  if (camera === undefined) return
  const query = { ...named(), sinceMs: String(Math.round(now() - dayMs)) }
  const [first, second] = await Promise.all([ask('/api/recordings', query), ask('/api/gaps', query)])
  if (first === undefined || second === undefined) return
  recordings = first.recordings
  gaps = second.gaps
  showList()
}

const past = createPast({
  list: element('past'),
  empty: element('past-empty'),
  chooseRecording: (recording) => start(recording, false),
  chooseGap({ fromMs }) {
    const before = recordings.filter((one) => one.startMs !== null && fromMs !== null && one.startMs < fromMs).at(-1)
    if (before !== undefined && fromMs !== null) start(before, false, fromMs - beforeGapMs)
  },
})

const showList = () => past.show(recordings, gaps, { key: playing?.key, zone })

/** The state line and the message over the picture. */
function show() {
  const at = player.pictureMs()
  const facts = player.facts()
  if (at !== null) {
    const time = siteTime(at, zone)
    element('clock').textContent = time.clock
    element('day').textContent = `${time.day}, ${time.offset}`
  }
  const live = playing?.live === true && facts.following
  const stillMs = player.stillForMs()
  const stalled = live && stillMs > stillMsMax
  const behind = at === null ? '' : `, ${duration(now() - at)} behind`
  const mode = element('mode')
  mode.dataset.mode = playing === undefined || stalled ? 'waiting' : live ? 'live' : 'past'
  mode.textContent =
    playing === undefined || stalled ? 'waiting' : live ? `live${behind}` : facts.paused ? 'paused' : 'recorded'
  element('live').hidden = live || camera === undefined
  element('recording').textContent = playing === undefined ? '' : `Recording ${playing.key}`
  const message = messageNow(stalled ? stillMs : 0)
  element('message').hidden = message === ''
  // Written only when it changes: a screen reader says it once.
  if (element('message').textContent !== message) element('message').textContent = message
}

/** @param {number} stillMs 0: the picture moves */
function messageNow(stillMs) {
  const problem = reason(askProblem ?? player.facts().problem)
  if (player.mayNotStart()) return 'The browser does not start video by itself. Press play.'
  if (playing === undefined)
    return problem === null
      ? (waitingFor ?? 'Looking for footage …')
      : `The store cannot be asked: ${problem}. Trying again.`
  if (stillMs === 0) return ''
  // In steps of five seconds: enough to see it count, and a screen reader stays quiet in between.
  const words = `No new footage for ${Math.floor(stillMs / 5_000) * 5 || 4} s`
  if (problem !== null) return `${words}: ${problem}. The page goes on by itself when the store answers again.`
  if (player.facts().ended) return `${words}: this recording is complete, and the next one has not begun.`
  return `${words}: the recorder sends nothing (network, camera or power). The page goes on by itself.`
}

/**
 * A problem as the reason within a sentence: which object was asked for means nothing to a viewer, and one stop ends it.
 *
 * @param {string | null} problem
 */
const reason = (problem) => problem?.replace(/^\w+( for| to)? \S+\/\S*: /, '').replace(/\.$/, '') ?? null

element('live').addEventListener('click', () => {
  const newest = recordings.filter((one) => one.url !== null).at(-1)
  if (playing?.live) player.goLive()
  else if (newest !== undefined && newest.key === playing?.key) start(newest, true)
  else playing = undefined
  nextLook = 0
})

async function turn() {
  player.tick()
  const time = performance.now()
  if (!endSeen && player.atEnd()) {
    endSeen = true
    nextLook = 0
    if (!playing?.live) goOn()
  }
  if (!looking && time >= nextLook && (playing === undefined || playing.live)) {
    looking = true
    await look()
    looking = false
    const eager = playing === undefined || player.atEnd() || player.stillForMs() > stillMsMax
    nextLook = performance.now() + (eager ? eagerMs : calmMs)
  }
  if (performance.now() >= nextList && camera !== undefined) {
    nextList = performance.now() + listMs
    refreshList()
  }
}

/** A recording that was chosen is over: the one after it follows, and after the last one the live picture. */
function goOn() {
  const index = recordings.findIndex((one) => one.key === playing?.key)
  const next = index === -1 ? undefined : recordings[index + 1]
  if (next?.url) start(next, false)
  else playing = undefined
}

setInterval(turn, 500)
setInterval(show, 250)
turn()

/** For tests and the curious: what the page knows of its picture. */
Reflect.set(window, 'watchpost', {
  state: () => {
    const at = player.pictureMs()
    return {
      ...player.facts(),
      key: playing?.key ?? null,
      live: playing?.live ?? null,
      playingDateMs: at,
      behindMs: at === null ? null : now() - at,
      stillForMs: player.stillForMs(),
      message: element('message').textContent,
      recordings: recordings.length,
      gaps: gaps.length,
    }
  },
})

// @ts-check
/**
 * One recording after another in one video element, by hls.js: always, since a browser's own HLS freezes on playlists
 * that grow. It knows nothing of cameras and lists; `page.js` says what to play.
 *
 * It never needs a reload: playlists that do not answer look unchanged (`tail-loader.js`), pieces of video are asked for
 * again for ever, and if the picture stands still although there is more to show, the player is made anew.
 */
import { tailLoader } from './tail-loader.js'

/** @type {any} */
const Hls = Reflect.get(globalThis, 'Hls')

/** Behind the newest published picture by this many target durations: with one-second units 3 s, the least without stalls. */
const targetDurationsBehind = 1.5
/** A live picture further behind than the aim by this is brought to the live edge in one step. */
const tooFarBehindS = 3
/** The picture stood still for this long although more is published: begin anew. */
const stuckMsMax = 12_000

const patient = {
  maxTimeToFirstByteMs: 10_000,
  maxLoadTimeMs: 60_000,
  timeoutRetry: { maxNumRetry: 1e6, retryDelayMs: 500, maxRetryDelayMs: 2_000 },
  errorRetry: {
    maxNumRetry: 1e6,
    retryDelayMs: 500,
    maxRetryDelayMs: 2_000,
    // hls.js gives a refused connection up while the browser believes to be online, as it does beside a broken uplink.
    shouldRetry: (
      /** @type {unknown} */ _config,
      /** @type {number} */ _count,
      /** @type {boolean} */ isTimeout,
      /** @type {{ code?: number } | undefined} */ response,
    ) => isTimeout || !response?.code || response.code >= 500 || response.code === 429,
  },
}

/** @param {HTMLVideoElement} video */
export function createPlayer(video) {
  const counts = { stalls: 0, errors: 0, madeAnew: 0, playlistLoads: 0, playlistBytes: 0 }
  /** @type {any} */
  let hls
  let url = ''
  /** Following the live edge; a person who seeks or pauses leaves it. */
  let following = true
  let ended = false
  let targetDurationS = 2
  /** @type {string | null} */
  let problem = null
  /** @type {number | undefined} Wall ms to go to once the playlist is known. */
  let wantedMs
  let ownSeek = false
  /** Whether the present recording has shown a picture. */
  let played = false
  let refused = false
  let moved = { at: 0, since: performance.now() }

  const Loader = tailLoader({
    text(text) {
      targetDurationS = Number(/#EXT-X-TARGETDURATION:(\d+)/.exec(text)?.[1] ?? targetDurationS)
      if (hls !== undefined) hls.config.liveSyncDuration = targetDurationS * targetDurationsBehind
    },
    answer(words) {
      problem = words
      counts.playlistLoads += 1
    },
    loaded(bytes) {
      counts.playlistBytes += bytes
    },
  })

  function make() {
    hls?.destroy()
    hls = new Hls({
      pLoader: Loader,
      liveSyncDuration: targetDurationS * targetDurationsBehind,
      maxLiveSyncPlaybackRate: 1.1,
      // Each stall would add a second to the delay for good; an outage is no reason to show the next hour later.
      liveSyncOnStallIncrease: 0,
      liveDurationInfinity: false,
      backBufferLength: 60,
      maxBufferLength: 30,
      startPosition: following ? -1 : 0,
      fragLoadPolicy: { default: patient },
      manifestLoadPolicy: { default: patient },
      playlistLoadPolicy: { default: patient },
    })
    hls.on(Hls.Events.ERROR, onError)
    hls.on(Hls.Events.LEVEL_UPDATED, onLevel)
    hls.on(Hls.Events.LEVEL_LOADED, onLevel)
    hls.attachMedia(video)
    hls.loadSource(url)
    moved = { at: video.currentTime, since: performance.now() }
    ownSeek = true
    played = false
    begin()
  }

  function begin() {
    video.play().catch((problem) => {
      refused = problem.name === 'NotAllowedError'
    })
  }

  /**
   * @param {unknown} _event
   * @param {{ details: any }} data
   */
  function onLevel(_event, data) {
    ended = !data.details.live
    if (wantedMs === undefined) return
    const at = positionOf(data.details.fragments, wantedMs)
    wantedMs = undefined
    if (at !== undefined) seek(at)
  }

  /**
   * @param {unknown} _event
   * @param {{ fatal: boolean, type: string, details: string, response?: { code?: number } }} data
   */
  function onError(_event, data) {
    if (data.details === 'bufferStalledError') counts.stalls += 1
    if (data.type === Hls.ErrorTypes.NETWORK_ERROR)
      problem = data.response?.code ? `answer ${data.response.code}` : 'no answer'
    if (!data.fatal) return
    counts.errors += 1
    const failed = hls
    setTimeout(() => {
      if (failed !== hls) return
      if (data.type === Hls.ErrorTypes.MEDIA_ERROR && counts.errors % 3 !== 0) hls.recoverMediaError()
      else {
        counts.madeAnew += 1
        make()
      }
    }, 1_000)
  }

  /** @param {number} position */
  function seek(position) {
    ownSeek = true
    video.currentTime = position
  }

  /** Wall ms of the picture on screen; `null` without dates. */
  const pictureMs = () => {
    const date = hls?.playingDate
    return date === null || date === undefined || !played ? null : date.getTime()
  }

  video.addEventListener('seeking', () => {
    const live = hls?.liveSyncPosition
    if (!ownSeek && typeof live === 'number') {
      if (video.currentTime < live - 10) following = false
      // Dragged back to the end: that is where live is.
      else if (video.currentTime > live - 2) following = true
    }
    ownSeek = false
  })
  video.addEventListener('pause', () => {
    // The end of a recording pauses too, and so does a phone that looks elsewhere; only a person leaves the live edge.
    if (!video.ended && !video.seeking && played && document.visibilityState === 'visible') following = false
  })
  video.addEventListener('playing', () => {
    played = true
    refused = false
  })

  return {
    /**
     * @param {string} address of a playlist
     * @param {{ live: boolean, atMs?: number }} how from the live edge, from the start, or at a wall time in ms
     */
    play(address, how) {
      const same = address === url && hls !== undefined
      following = how.live
      wantedMs = how.atMs
      if (same && how.live) return this.goLive()
      if (same && how.atMs === undefined) return seek(0)
      url = address
      ended = false
      problem = null
      make()
    },
    goLive() {
      following = true
      const live = hls?.liveSyncPosition
      if (typeof live === 'number') seek(live)
      begin()
    },
    /** Looks after the picture; to be called once a second. */
    tick() {
      if (hls === undefined) return
      const now = performance.now()
      const details = hls.latestLevelDetails ?? hls.levels?.[0]?.details
      const edge = details?.edge ?? 0
      if (video.currentTime !== moved.at || video.paused) moved = { at: video.currentTime, since: now }
      if (
        following &&
        !ended &&
        !video.paused &&
        edge - video.currentTime > targetDurationS * targetDurationsBehind + tooFarBehindS
      ) {
        const live = hls.liveSyncPosition
        if (typeof live === 'number' && live > video.currentTime + 1) seek(live)
      }
      const more = edge - video.currentTime > targetDurationS
      if (more && problem === null && !video.ended && now - moved.since > stuckMsMax) {
        counts.madeAnew += 1
        make()
      }
    },
    /** A browser may refuse to start by itself; then a person must press play. */
    mayNotStart: () => refused,
    pictureMs,
    /** For how long the picture has not moved, in ms; 0 while a person keeps it paused. */
    stillForMs: () => (video.paused && !video.ended ? 0 : performance.now() - moved.since),
    atEnd: () => ended && (video.ended || video.duration - video.currentTime < 0.3),
    facts: () => ({
      ...counts,
      following,
      ended,
      problem,
      url,
      currentTime: video.currentTime,
      paused: video.paused,
      targetDurationS,
    }),
  }
}

/**
 * Where in the player's time a wall time lies: inside the piece that covers it, else at the next one.
 *
 * @param {{ start: number, duration: number, programDateTime: number | null }[]} fragments
 * @param {number} ms
 */
function positionOf(fragments, ms) {
  for (const { start, duration, programDateTime } of fragments) {
    if (programDateTime === null) continue
    if (ms < programDateTime + duration * 1000) return start + Math.max(0, (ms - programDateTime) / 1000)
  }
  return undefined
}

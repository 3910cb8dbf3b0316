// @ts-check
/**
 * Loads a playlist that only grows by fetching what is new. hls.js asks for the whole text once a second; an hour of
 * one-second units would be 350 KB each time, more than the video itself.
 *
 * The last byte we have is asked for again, so that the range is valid even when nothing was added, and so that we see
 * if the object is another one than before. While the store does not answer, hls.js is given what we have: a broken link
 * looks like a playlist that has not grown, and needs no repair when it is back.
 */

/** A reload that takes longer counts as no answer; the next one comes by itself. */
const reloadMsMax = 8_000
/** The first, whole one: 350 KB take this long at 50 kbit/s. */
const firstLoadMsMax = 60_000

/**
 * @typedef {object} TailNotes
 * @property {(text: string) => void} text the whole playlist, before hls.js sees it
 * @property {(problem: string | null) => void} answer what went wrong with the last request; `null` if nothing did
 * @property {(bytes: number) => void} loaded bytes that came over the network
 */

/** @param {TailNotes} notes */
export function tailLoader(notes) {
  /** Playlists by address; only the last one is ever asked for again. @type {{ url: string, text: string } | undefined} */
  let known

  /**
   * @param {string} url
   * @param {AbortSignal} signal
   * @returns {Promise<string>} the whole text
   */
  async function fetchText(url, signal) {
    const have = known?.url === url ? known.text : ''
    if (have.includes('#EXT-X-ENDLIST')) return have
    /** @type {Record<string, string>} */
    const headers = have === '' ? {} : { Range: `bytes=${have.length - 1}-` }
    const response = await fetch(url, { headers, signal, cache: 'no-store' })
    const answer = await response.text()
    notes.loaded(answer.length)
    if (response.status === 416 || (response.status === 206 && !have.endsWith(answer.charAt(0)))) {
      // Shorter or different: somebody replaced it. Begin again.
      known = undefined
      if (have !== '') return fetchText(url, signal)
    }
    if (!response.ok)
      throw new LoadProblem(response.status, problemIn(answer) ?? `the store answers ${response.status}`)
    const grown = response.status === 206 ? have + answer.slice(1) : answer
    // Appends are whole lines; cut all the same, a torn last line would be read as a name.
    const text = grown.slice(0, grown.lastIndexOf('\n') + 1)
    known = { url, text }
    return text
  }

  return class TailLoader {
    constructor() {
      this.stats = freshStats()
      this.context = null
      this.leaving = new AbortController()
    }

    /**
     * @param {any} context
     * @param {any} _config
     * @param {any} callbacks
     */
    load(context, _config, callbacks) {
      this.context = context
      this.callbacks = callbacks
      const { stats } = this
      const leaving = this.leaving
      // A relative address would be resolved against nothing later on.
      const url = new URL(context.url, location.href).href
      stats.loading.start = performance.now()
      const slow = setTimeout(() => leaving.abort('slow'), known?.url === url ? reloadMsMax : firstLoadMsMax)
      const give = (/** @type {string} */ text) => {
        stats.loading.first = stats.loading.end = performance.now()
        stats.loaded = stats.total = text.length
        notes.text(text)
        callbacks.onSuccess({ url, data: text, code: 200 }, stats, context, null)
      }
      fetchText(url, leaving.signal)
        .then((text) => {
          if (stats.aborted) return
          notes.answer(null)
          give(text)
        })
        .catch((problem) => {
          if (stats.aborted) return
          const code = problem instanceof LoadProblem ? problem.status : 0
          const words = problem instanceof LoadProblem ? problem.message : 'no answer'
          notes.answer(words)
          if (known?.url === url) give(known.text)
          else callbacks.onError({ code, text: words }, context, null, stats)
        })
        .finally(() => clearTimeout(slow))
    }

    abort() {
      if (this.stats.aborted || this.stats.loading.end > 0) return
      this.stats.aborted = true
      this.leaving.abort()
      this.callbacks?.onAbort?.(this.stats, this.context, null)
    }

    destroy() {
      this.stats.aborted = true
      this.leaving.abort()
      this.callbacks = null
      this.context = null
    }

    getCacheAge() {
      return null
    }

    getResponseHeader() {
      return null
    }
  }
}

class LoadProblem extends Error {
  /**
   * @param {number} status
   * @param {string} message
   */
  constructor(status, message) {
    super(message)
    this.status = status
  }
}

/** @param {string} answer */
function problemIn(answer) {
  try {
    return JSON.parse(answer).problem
  } catch {
    return undefined
  }
}

const freshStats = () => ({
  aborted: false,
  loaded: 0,
  retry: 0,
  total: 0,
  chunkCount: 0,
  bwEstimate: 0,
  loading: { start: 0, first: 0, end: 0 },
  parsing: { start: 0, end: 0 },
  buffering: { start: 0, first: 0, end: 0 },
})

/**
 * Time of a simulated world: it jumps to the next moment at which something was to happen, as soon as everything that
 * can happen now has happened. Nothing here waits for the real clock.
 *
 * "Everything has happened" means that no promise has a continuation left: a tick of Node runs only then, so each moment
 * costs one tick and no turn of the event loop. A world that has nothing to wait for, and one that goes on for longer
 * than a simulated day, throws: a stuck loop fails instead of hanging.
 */
export interface Moment {
  readonly at: number
  readonly order: number
  what: (() => void) | undefined
}

export interface SimTime {
  /** Milliseconds since the world began. */
  now(): number
  /** Moments so far. */
  count(): number
  /** `what` happens in `ms` (at least 0) from now, unless it is called off. */
  after(ms: number, what: () => void): Moment
  callOff(moment: Moment): void
  sleep(ms: number): Promise<void>
  /** Lets time pass whenever somebody waits for it, until the answer is called: for tests that know of no story. */
  flow(): () => void
  /** Lets time pass until `story` has ended. */
  play<T>(story: () => Promise<T>): Promise<T>
}

const dayMs = 86_400_000
/**
 * Moments lie on a grain of about a microsecond whose sums and differences have no rounding error: a clock that stands
 * still must not disagree with itself about whether a wait is over.
 */
const grain = 1024
/** Things that may happen without a millisecond going by. More is a loop that waits for nothing. */
const atOnceMax = 50_000

export function createTime(): SimTime {
  const heap: Moment[] = []
  let now = 0
  let order = 0
  let since = { at: 0, count: 0 }

  const earlier = (one: Moment, other: Moment): boolean =>
    one.at < other.at || (one.at === other.at && one.order < other.order)

  function push(moment: Moment): void {
    let at = heap.length
    heap.push(moment)
    while (at > 0) {
      const up = (at - 1) >> 1
      const above = heap[up] as Moment
      if (!earlier(moment, above)) break
      heap[at] = above
      at = up
    }
    heap[at] = moment
  }

  function pop(): Moment | undefined {
    const first = heap[0]
    const last = heap.pop()
    if (first === undefined || last === undefined || heap.length === 0) return first
    let at = 0
    for (;;) {
      let down = 2 * at + 1
      if (down >= heap.length) break
      const right = heap[down + 1]
      if (right !== undefined && earlier(right, heap[down] as Moment)) down += 1
      const below = heap[down] as Moment
      if (!earlier(below, last)) break
      heap[at] = below
      at = down
    }
    heap[at] = last
    return first
  }

  function after(ms: number, what: () => void): Moment {
    if (!Number.isFinite(ms)) throw new Error(`Nobody can wait for ${ms} ms.`)
    const moment = { at: Math.ceil((now + Math.max(0, ms)) * grain) / grain, order, what }
    order += 1
    push(moment)
    return moment
  }

  /** False when nothing is left to happen. */
  function next(): boolean {
    for (let moment = pop(); moment !== undefined; moment = pop()) {
      const { what } = moment
      if (what === undefined) continue
      moment.what = undefined
      now = moment.at
      if (now - since.at >= 1) since = { at: now, count: 0 }
      since.count += 1
      if (since.count > atOnceMax) throw new Error(`Something loops at ${now} ms without letting time pass.`)
      if (now > dayMs) throw new Error('The world has gone on for a day: something never ends.')
      what()
      return true
    }
    return false
  }

  return {
    now: () => now,
    count: () => order,
    after,
    callOff(moment) {
      moment.what = undefined
    },
    sleep: (ms) => new Promise((resolve) => void after(ms, resolve)),
    flow() {
      let over = false
      const turn = (): void => {
        if (over) return
        next()
        setImmediate(turn)
      }
      turn()
      return () => {
        over = true
      }
    },
    play(story) {
      return new Promise((resolve, reject) => {
        let over = false
        const end = (): void => {
          over = true
        }
        story().then(resolve, reject).finally(end)
        const step = (): void => {
          if (over) return
          try {
            if (!next()) {
              reject(new Error('Nothing is left to happen, and the story has not ended.'))
              return
            }
          } catch (error) {
            reject(error instanceof Error ? error : new Error(String(error)))
            return
          }
          queueMicrotask(afterwards)
        }
        // A tick runs when the queue of microtasks is empty, whatever is put into it meanwhile.
        const afterwards = (): void => process.nextTick(step)
        process.nextTick(step)
      })
    },
  }
}

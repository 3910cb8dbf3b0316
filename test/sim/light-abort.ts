/**
 * An AbortController that costs next to nothing. The recorder makes one for nearly every wait, and Node's own is an
 * EventTarget with registries for the garbage collector: half the time of a simulated day went there.
 *
 * Does what `src` uses of it: `aborted`, `addEventListener('abort', …)` and its counterpart. Not `any`, not `timeout`,
 * not `reason`: whoever needs more must add it here, and gets an error until then.
 */
type Listener = () => void

class LightSignal {
  aborted = false
  #listeners: Listener[] = []

  addEventListener(_type: string, listener: Listener): void {
    this.#listeners.push(listener)
  }

  removeEventListener(_type: string, listener: Listener): void {
    const at = this.#listeners.indexOf(listener)
    if (at !== -1) this.#listeners.splice(at, 1)
  }

  fire(): void {
    if (this.aborted) return
    this.aborted = true
    const listeners = this.#listeners
    this.#listeners = []
    for (const listener of listeners) listener()
  }
}

class LightController {
  readonly signal = new LightSignal()

  abort(): void {
    this.signal.fire()
  }
}

/** For the whole process. */
export function installLightAbort(): void {
  Object.assign(globalThis, { AbortController: LightController })
}

/**
 * The loops of the recorder by name. New settings say which loops are wanted; a loop whose fingerprint is unchanged goes
 * on untouched, any other is ended and, if still wanted, started anew. So a change of one camera never interrupts another.
 *
 * A loop that ends by itself before it is told to, or that throws, is a bug: it is handed to `fatal`, which ends the
 * process, and starting is recovering.
 */

export interface LoopPlan {
  /** Everything its behaviour depends on, as text. Never logged: it may come from secrets. */
  readonly fingerprint: string
  /** Returns when `signal` aborts. */
  run(signal: AbortSignal): Promise<void>
}

export interface LoopGroup {
  /** Makes the running loops those that are wanted. Resolves when the ended ones are gone and the new ones started. */
  apply(wanted: ReadonlyMap<string, LoopPlan>): Promise<void>
  /** Ends the loops whose names `which` accepts (all by default) and waits for them. */
  stop(which?: (name: string) => boolean): Promise<void>
  names(): readonly string[]
}

interface Running {
  readonly fingerprint: string
  readonly controller: AbortController
  readonly done: Promise<void>
}

export function createLoopGroup(fatal: (name: string, error: unknown) => void): LoopGroup {
  const running = new Map<string, Running>()

  function start(name: string, plan: LoopPlan): void {
    const controller = new AbortController()
    const done = plan.run(controller.signal).then(
      () => {
        if (!controller.signal.aborted) fatal(name, new Error(`The loop ${name} ended by itself.`))
      },
      (error: unknown) => fatal(name, error),
    )
    running.set(name, { fingerprint: plan.fingerprint, controller, done })
  }

  async function end(names: readonly string[]): Promise<void> {
    const ending = names.map((name) => running.get(name)).filter((loop) => loop !== undefined)
    for (const loop of ending) loop.controller.abort()
    await Promise.all(ending.map((loop) => loop.done))
    for (const name of names) running.delete(name)
  }

  return {
    async apply(wanted) {
      const changed = [...running].filter(([name, loop]) => wanted.get(name)?.fingerprint !== loop.fingerprint)
      await end(changed.map(([name]) => name))
      for (const [name, plan] of wanted) if (!running.has(name)) start(name, plan)
    },
    stop: (which = () => true) => end([...running.keys()].filter(which)),
    names: () => [...running.keys()],
  }
}

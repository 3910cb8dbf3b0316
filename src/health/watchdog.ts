/**
 * Tells the supervisor (systemd) that the recorder is well, for as long as it is. Whoever stops hearing from us starts
 * us anew, and starting is recovering.
 */
import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/log.ts'
import type { Liveness } from './liveness.ts'

/** Whoever started us and wants to know how we are. Implemented by `adapters/systemd-notify.ts`. Never throws. */
export interface Supervisor {
  /** How often it wants to hear from us at least, in ms; `undefined` if it does not watch us. */
  readonly watchdogMs: number | undefined
  /** The recorder works now. */
  ready(): void
  /** We are well. The line for people is shown by `systemctl status`; a longer one is cut. */
  alive(text: string): void
  /** We are not, and this line says why. */
  stuck(text: string): void
  /** We stop in order. */
  stopping(): void
}

export interface WatchdogWorld {
  readonly supervisor: Supervisor
  readonly liveness: Liveness
  readonly clock: Clock
  readonly log: Logger
  /** One line for people about the whole recorder. */
  summary(): string
}

/** Without a watchdog the loops are looked at this often, so that the log names a stuck one. */
const lookMs = 10_000

/** Runs until `signal` aborts. */
export async function runWatchdog(world: WatchdogWorld, signal: AbortSignal): Promise<void> {
  const { supervisor, liveness, clock, log } = world
  // Half the time it grants: one message may come late or be lost.
  const everyMs = supervisor.watchdogMs === undefined ? lookMs : Math.min(lookMs, supervisor.watchdogMs / 2)
  while (!signal.aborted) {
    const stuck = liveness.stuck(clock.mono())
    if (stuck.length === 0) {
      supervisor.alive(world.summary())
    } else {
      const names = stuck.map(({ name, silentMs }) => `${name} (for ${Math.round(silentMs / 1000)} s)`).join(', ')
      const next = supervisor.watchdogMs === undefined ? 'Restart the recorder.' : 'The recorder will be restarted.'
      log.error('stuck', `These parts of the recorder no longer move: ${names}. ${next}`)
      supervisor.stuck(`Stuck: ${names}`)
    }
    await clock.sleep(everyMs, signal)
  }
}

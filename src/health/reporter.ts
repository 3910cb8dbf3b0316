/**
 * Makes a report soon after the start, so that a restart is seen, and then whenever the schedule says so.
 *
 * The schedule runs on the wall clock, which may step: the loop looks at it again at least every minute. A step forward
 * over many due times makes one report, marked late; a step back waits for the next due time.
 * At most one report is in the making, since the loop makes them itself.
 */
import type { Clock, MonoMs, WallMs } from '../base/clock.ts'
import type { Logger } from '../base/log.ts'
import type { LoopBeat } from '../base/loop.ts'
import { type ReportRecord, reportLine } from '../format/report-record.ts'
import type { Status } from '../format/status.ts'
import type { MachineProbes } from './machine.ts'
import { type Look, makeReport } from './report.ts'

/** When reports are due. Implemented by `adapters/node-cron-schedule.ts`. */
export interface Schedule {
  /** The first time after now at which a report is due, by the wall clock. */
  next(): WallMs
}

export interface ReporterWorld {
  readonly schedule: Schedule
  readonly probes: MachineProbes
  readonly clock: Clock
  readonly log: Logger
  readonly beat: LoopBeat
  status(): Status
  /** Appends a line (without its line feed) to the health track. Neither waits nor throws. */
  write(line: string): void
}

/** The first report comes when cameras had time to start. */
const firstMs = 60_000
/** The wall clock is looked at least this often: a step is noticed within it. */
const lookMs = 60_000
/** The loop comes round at least this often. */
export const reporterTurnMsMax = 2 * lookMs
/** A report this long after its time is marked: the clock was set forward, or the machine could not keep up. */
const lateMs = 30_000

/** Runs until `signal` aborts. */
export async function runReporter(world: ReporterWorld, signal: AbortSignal): Promise<void> {
  const { clock, schedule, beat } = world
  let before: Look | undefined

  async function report(reason: ReportRecord['reason'], late: boolean): Promise<void> {
    const machine = await world.probes.look()
    if (signal.aborted) return
    const now: Look = { at: clock.mono(), status: world.status() }
    const record = makeReport({ now, before, machine, reason, late })
    world.write(reportLine(record))
    before = now
    if (record.verdict !== 'ok') {
      world.log.warn('health', `Health report: ${record.verdict}. ${record.problems.join(' ')}`)
    }
  }

  beat.turned()
  await clock.sleep(firstMs, signal)
  if (!signal.aborted) await report('start', false)
  while (!signal.aborted) {
    const due = schedule.next()
    const arrived = await waitUntil(due, clock, beat, signal)
    if (signal.aborted) return
    // The clock went back: that time lies far ahead now, and another one may come first.
    if (!arrived) continue
    await report('schedule', clock.wall() - due > lateMs)
  }
}

/** False if the wall clock was stepped back meanwhile, or `signal` aborted. */
async function waitUntil(due: WallMs, clock: Clock, beat: LoopBeat, signal: AbortSignal): Promise<boolean> {
  const started: { readonly wall: WallMs; readonly mono: MonoMs } = { wall: clock.wall(), mono: clock.mono() }
  while (!signal.aborted) {
    beat.turned()
    const wall = clock.wall()
    if (wall >= due) return true
    const stepMs = wall - started.wall - (clock.mono() - started.mono)
    if (stepMs < -lookMs) return false
    await clock.sleep(Math.min(lookMs, due - wall), signal)
  }
  return false
}

/** What the reading commands share: the archive of the settings, patience, times, and errors as exit codes. */
import { systemClock } from '../adapters/system-clock.ts'
import { systemRandom } from '../adapters/system-random.ts'
import type { Result } from '../base/result.ts'
import type { Place } from '../format/names.ts'
import type { Archive, ArchiveError } from '../reader/archive.ts'
import { type CatalogueReader, createCatalogueReader } from '../reader/catalogue.ts'
import { patientArchive } from '../reader/patient-archive.ts'
import { parseMoment } from '../reader/site-time.ts'
import { CommandError } from './command-error.ts'
import { storeFromSettings } from './store-from-settings.ts'

/** A question of a person who waits for the answer: three tries, some seconds in all. */
export const triesMax = 3

export interface OpenArchive {
  readonly archive: Archive
  readonly catalogues: CatalogueReader
  readonly place: Place
  readonly timeZone: string
  /** Aborts when a person presses Ctrl-C or the system asks us to end. */
  readonly signal: AbortSignal
  /** Ends connections, so that the process can leave. */
  close(): Promise<void>
}

/** @param attemptsMax tries of one question; `Infinity` waits for ever, and says so on standard error */
export async function openArchive(configFile: string, attemptsMax: number): Promise<OpenArchive> {
  const { settings, store, place } = await storeFromSettings(configFile)
  const stop = new AbortController()
  const end = (): void => stop.abort()
  process.once('SIGINT', end)
  process.once('SIGTERM', end)
  const archive = patientArchive(store, { clock: systemClock, random: systemRandom, attemptsMax, tell: say })
  return {
    archive,
    catalogues: createCatalogueReader(archive),
    place,
    timeZone: settings.site.timeZone,
    signal: stop.signal,
    async close() {
      process.off('SIGINT', end)
      process.off('SIGTERM', end)
      await store.close()
    },
  }
}

/** The value, or the error as a sentence with its exit code. */
export function answered<T>(answer: Result<T, ArchiveError>): T {
  if (answer.ok) return answer.value
  const { kind, message } = answer.error
  throw new CommandError(kind === 'unanswered' || kind === 'denied' ? 3 : 1, message)
}

/** A moment from the command line as wall ms. */
export function momentOption(text: string | undefined, timeZone: string): number | undefined {
  if (text === undefined) return undefined
  const moment = parseMoment(text, timeZone, systemClock.wall())
  if (!moment.ok) throw new CommandError(2, moment.error)
  return moment.value
}

/** A sentence for the person who looks on. */
export const say = (message: string): void => {
  process.stderr.write(`${message}\n`)
}

export const momentHelp = 'as -10m (s, m, h, d ago), 16:30 (today), "2026-11-23 16:30" (site time) or ISO 8601'

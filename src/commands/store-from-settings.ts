/** The store that the settings name, for commands that read or append by hand. */
import { createOssStore, type OssStore } from '../adapters/oss-store.ts'
import { credentialSource, loadSettings, type Settings, type SettingsProblem } from '../adapters/settings-file.ts'
import { systemClock } from '../adapters/system-clock.ts'
import type { Result } from '../base/result.ts'
import type { Place } from '../format/names.ts'
import { createTimeCorrection } from '../uplink/time-correction.ts'
import { CommandError } from './command-error.ts'

export interface StoreAndSettings {
  readonly settings: Settings
  /** Connects at its first call. Close it, or the process waits for its idle connections. */
  readonly store: OssStore
  readonly place: Place
}

/** @throws {CommandError} with exit code 2 and every problem of the settings */
export async function storeFromSettings(configPath: string): Promise<StoreAndSettings> {
  const settings = settingsOrFail(configPath, await loadSettings(configPath))
  const source = await credentialSource(settings.store)
  if (!source.ok) throw new CommandError(2, source.error)
  const { bucket, region, endpoint, cname, pathStyle, caFile, prefix } = settings.store
  const store = createOssStore({
    ...{ bucket, region, endpoint, cname, pathStyle, caFile },
    clock: systemClock,
    credentials: source.value.credentials,
    credentialsExpired: source.value.credentialsExpired,
    // A wrong clock is learnt from the first refusal, and the second try is signed with the right time.
    time: createTimeCorrection(systemClock),
  })
  return { settings, store, place: { prefix, device: settings.device } }
}

/** @throws {CommandError} with exit code 2 and every problem of the settings */
export function settingsOrFail(path: string, loaded: Result<Settings, SettingsProblem[]>): Settings {
  if (loaded.ok) return loaded.value
  throw new CommandError(2, problemsText(path, loaded.error))
}

/** All problems of a settings file as lines for a terminal. */
export function problemsText(path: string, problems: readonly SettingsProblem[]): string {
  const sentences = problems.map((problem) => problem.message)
  const [only] = sentences
  if (sentences.length === 1 && only !== undefined) return only.includes(path) ? only : `${path}: ${only}`
  return [`${path} has ${sentences.length} problems:`, ...sentences.map((sentence) => `- ${sentence}`)].join('\n')
}

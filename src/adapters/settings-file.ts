/**
 * The settings file and the credentials beside it, on the disk.
 *
 * Saving is atomic: a temporary file with the new text is synced and renamed over the old one, and the folder is synced.
 * A power cut leaves the old file or the new one, whole; a leftover `.new` file is overwritten by the next save.
 */
import { open, readFile, rename, stat, unlink } from 'node:fs/promises'
import { dirname } from 'node:path'
import { err, ok, type Result } from '../base/result.ts'
import { Secret } from '../base/secret.ts'
import { readCredentials, type StoreCredentials } from '../config/credentials.ts'
import { parseSettings } from '../config/parse-settings.ts'
import type { SettingsProblem } from '../config/problems.ts'
import type { Settings, StoreSettings } from '../config/settings.ts'
import { settingsBytesMax } from '../config/settings-text.ts'

export type { SettingsProblem } from '../config/problems.ts'
export type { Settings } from '../config/settings.ts'

/** Reads and checks a settings file. Never throws; every problem is told at once. */
export async function loadSettings(path: string): Promise<Result<Settings, SettingsProblem[]>> {
  const text = await readSettingsFile(path)
  return text.ok ? parseSettings(text.value) : text
}

/** The text of a settings file, at most `settingsBytesMax` bytes long. */
export async function readSettingsFile(path: string): Promise<Result<string, SettingsProblem[]>> {
  try {
    const { size } = await stat(path)
    if (size > settingsBytesMax)
      return fileProblem(`${path} has ${size} bytes; settings are at most ${settingsBytesMax}.`)
    return ok(await readFile(path, 'utf8'))
  } catch (error) {
    return fileProblem(readSentence(path, error))
  }
}

/** Settings that hold a secret belong to one user. A sentence if others may read this file; asked by `check`. */
export async function openToOthers(path: string): Promise<string | undefined> {
  const mode = await stat(path).then(
    (found) => found.mode & 0o777,
    () => 0,
  )
  if ((mode & 0o077) === 0) return undefined
  return `${path} has mode ${octal(mode)}, so that others on this machine may read its secrets; set it with: chmod 600 ${path}`
}

/** Replaces the file or makes it, with mode 0600 and the owner of the file that was there. */
export async function saveSettingsFile(path: string, text: string): Promise<Result<undefined, string>> {
  const fresh = `${path}.new`
  try {
    const before = await stat(path).catch(() => undefined)
    const file = await open(fresh, 'w', 0o600)
    try {
      await file.chmod(0o600)
      // Root may edit what the recorder's own user must read afterwards.
      if (before !== undefined && process.getuid?.() === 0) await file.chown(before.uid, before.gid)
      await file.writeFile(text)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(fresh, path)
    const folder = await open(dirname(path), 'r')
    await folder.sync().finally(() => folder.close())
    return ok(undefined)
  } catch (error) {
    await unlink(fresh).catch(() => undefined)
    return err(`${path} could not be saved (${codeOf(error)}); the file that was there is unchanged.`)
  }
}

/**
 * The access key that the settings point to. Read anew by each call: a file may be renewed by somebody else while the
 * recorder runs. @returns a sentence when there is none
 */
export async function loadCredentials(
  { credentials }: StoreSettings,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): Promise<Result<StoreCredentials, string>> {
  if (credentials.file !== undefined) return credentialsFile(credentials.file)
  if (!credentials.environment) {
    const { accessKeyId, accessKeySecret, securityToken } = credentials
    if (accessKeyId === undefined || accessKeySecret === undefined) return err('store.credentials holds no access key.')
    return ok({ accessKeyId, accessKeySecret, ...(securityToken === undefined ? {} : { securityToken }) })
  }
  const id = environment.ALIBABA_CLOUD_ACCESS_KEY_ID
  const secret = environment.ALIBABA_CLOUD_ACCESS_KEY_SECRET
  const token = environment.ALIBABA_CLOUD_SECURITY_TOKEN
  if (id === undefined || id === '' || secret === undefined || secret === '') {
    const missing = id === undefined || id === '' ? 'ALIBABA_CLOUD_ACCESS_KEY_ID' : 'ALIBABA_CLOUD_ACCESS_KEY_SECRET'
    return err(`store.credentials.environment is true, but ${missing} is not set in the environment.`)
  }
  const withToken = token === undefined || token === '' ? {} : { securityToken: new Secret(token) }
  return ok({ accessKeyId: id, accessKeySecret: new Secret(secret), ...withToken })
}

async function credentialsFile(path: string): Promise<Result<StoreCredentials, string>> {
  try {
    const file = await open(path, 'r')
    try {
      const { mode, size } = await file.stat()
      if ((mode & 0o077) !== 0) {
        return err(
          `${path} has mode ${octal(mode & 0o777)}, so that others may read the key; set it with: chmod 600 ${path}`,
        )
      }
      if (size > settingsBytesMax) return err(`${path} is too long for a file with an access key.`)
      const read = readCredentials(await file.readFile('utf8'))
      return read.ok ? read : err(`${path} ${read.error}`)
    } finally {
      await file.close()
    }
  } catch (error) {
    return err(readSentence(path, error))
  }
}

const octal = (mode: number): string => mode.toString(8).padStart(4, '0')

const fileProblem = (message: string) => err([{ path: '', line: undefined, message }])

function readSentence(path: string, error: unknown): string {
  const code = codeOf(error)
  if (code === 'ENOENT') return `${path} does not exist; make it with: watchpost init --config ${path}`
  if (code === 'EACCES') return `${path} may not be read by this user; run as the user that owns it.`
  if (code === 'EISDIR') return `${path} is a folder, not a file.`
  return `${path} could not be read (${code}).`
}

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'unknown error'

/** The access key for a store that asks before each call, in one piece. */
export interface CredentialSource {
  credentials(): Promise<StoreCredentials>
  /** The store refused it: the next ask reads it anew. */
  credentialsExpired(): void
}

/**
 * Reads once, and again after each refusal. If a file is unreadable just then, the old key is tried on: whoever renews
 * it may be in the middle of doing so.
 *
 * @returns a sentence if there is no key to begin with
 */
export async function credentialSource(store: StoreSettings): Promise<Result<CredentialSource, string>> {
  const first = await loadCredentials(store)
  if (!first.ok) return first
  let known = first.value
  let stale = false
  return ok({
    async credentials() {
      if (stale) {
        stale = false
        const fresh = await loadCredentials(store)
        if (fresh.ok) known = fresh.value
      }
      return known
    },
    credentialsExpired() {
      stale = true
    },
  })
}

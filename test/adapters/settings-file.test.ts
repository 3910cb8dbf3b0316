import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  credentialSource,
  loadCredentials,
  loadSettings,
  openToOthers,
  saveSettingsFile,
} from '../../src/adapters/settings-file.ts'
import { exampleSettings } from '../../src/config/example.ts'
import type { StoreSettings } from '../../src/config/settings.ts'

let folder: string
let path: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'watchpost-settings-'))
  path = join(folder, 'watchpost.yaml')
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const mode = async (file: string): Promise<number> => (await stat(file)).mode & 0o777
const storeWith = (credentials: Partial<StoreSettings['credentials']>): StoreSettings =>
  ({ credentials: { environment: false, ...credentials } }) as StoreSettings

describe('the settings file', () => {
  test('is saved whole, for one user, and leaves nothing beside it', async () => {
    await writeFile(path, 'old', { mode: 0o644 })
    await writeFile(`${path}.new`, 'half a file of a power cut', { mode: 0o644 })
    expect(await saveSettingsFile(path, exampleSettings({ device: 'x' }))).toEqual({ ok: true, value: undefined })
    expect(await readFile(path, 'utf8')).toContain('device: x')
    expect(await mode(path)).toBe(0o600)
    expect(await readdir(folder)).toEqual(['watchpost.yaml'])
    expect(await openToOthers(path)).toBeUndefined()
  })

  test('that cannot be saved is a sentence, and the old one stays', async () => {
    const there = join(folder, 'no', 'such', 'folder.yaml')
    expect(await saveSettingsFile(there, 'x')).toEqual({
      ok: false,
      error: `${there} could not be saved (ENOENT); the file that was there is unchanged.`,
    })
  })

  test.each([
    [
      'is not there',
      async () => {},
      (at: string) => `${at} does not exist; make it with: watchpost init --config ${at}`,
    ],
    [
      'is too long',
      (at: string) => writeFile(at, 'x'.repeat(300_000)),
      (at: string) => `${at} has 300000 bytes; settings are at most 262144.`,
    ],
  ])('that %s is told', async (_name, prepare, sentence) => {
    await prepare(path)
    expect(await loadSettings(path)).toEqual({
      ok: false,
      error: [{ path: '', line: undefined, message: sentence(path) }],
    })
  })

  test('that others may read is told with what to do', async () => {
    await writeFile(path, '')
    await chmod(path, 0o640)
    expect(await openToOthers(path)).toContain(
      `has mode 0640, so that others on this machine may read its secrets; set it with: chmod 600 ${path}`,
    )
  })
})

describe('the access key', () => {
  test('in a file of mode 0600, YAML or JSON', async () => {
    for (const text of [
      'accessKeyId: a\naccessKeySecret: s\n',
      '{"accessKeyId":"a","accessKeySecret":"s","securityToken":"t"}',
    ]) {
      await writeFile(path, text)
      await chmod(path, 0o600)
      const loaded = await loadCredentials(storeWith({ file: path }))
      expect(loaded).toMatchObject({ ok: true, value: { accessKeyId: 'a' } })
      expect(loaded.ok && loaded.value.accessKeySecret.reveal()).toBe('s')
      expect(loaded.ok && loaded.value.securityToken?.reveal()).toBe(text.includes('t"}') ? 't' : undefined)
    }
  })

  test.each([
    [
      'open to others',
      0o644,
      'accessKeyId: a\naccessKeySecret: hunter2\n',
      'has mode 0644, so that others may read the key; set it with: chmod 600',
    ],
    ['half', 0o600, 'accessKeySecret: hunter2\n', 'lacks accessKeyId.'],
    [
      'number',
      0o600,
      'accessKeyId: a\naccessKeySecret: 7777777\n',
      'must hold a text for accessKeySecret; put it in quotes.',
    ],
    [
      'something else',
      0o600,
      'accessKeyId: a\naccesKeySecret: hunter2\n',
      'holds something other than accessKeyId, accessKeySecret, securityToken; take it out.',
    ],
    [
      'no YAML',
      0o600,
      'a: b: hunter2',
      'is neither YAML nor JSON; it must hold accessKeyId and accessKeySecret, each with a text.',
    ],
    ['one word', 0o600, 'hunter2', 'must hold accessKeyId and accessKeySecret, each with a text.'],
  ])('in a file that is %s is refused without showing it', async (_name, bits, text, wanted) => {
    await writeFile(path, text)
    await chmod(path, bits)
    const loaded = await loadCredentials(storeWith({ file: path }))
    expect(loaded.ok ? '' : loaded.error).toContain(`${path} ${wanted}`)
    expect(JSON.stringify(loaded)).not.toMatch(/hunter2|7777777/)
  })

  test('in the environment', async () => {
    const store = storeWith({ environment: true })
    const environment = { ALIBABA_CLOUD_ACCESS_KEY_ID: 'a', ALIBABA_CLOUD_ACCESS_KEY_SECRET: 's' }
    expect(await loadCredentials(store, environment)).toMatchObject({ ok: true, value: { accessKeyId: 'a' } })
    expect(await loadCredentials(store, { ...environment, ALIBABA_CLOUD_ACCESS_KEY_SECRET: '' })).toEqual({
      ok: false,
      error:
        'store.credentials.environment is true, but ALIBABA_CLOUD_ACCESS_KEY_SECRET is not set in the environment.',
    })
  })

  test('is read again once the store refuses it, and kept while the new one is not readable', async () => {
    await writeFile(path, 'accessKeyId: old\naccessKeySecret: s\n', { mode: 0o600 })
    const source = await credentialSource(storeWith({ file: path }))
    if (!source.ok) throw new Error(source.error)
    await writeFile(path, 'accessKeyId: new\naccessKeySecret: s\n')
    expect((await source.value.credentials()).accessKeyId).toBe('old')
    source.value.credentialsExpired()
    expect((await source.value.credentials()).accessKeyId).toBe('new')
    await writeFile(path, 'access')
    source.value.credentialsExpired()
    expect((await source.value.credentials()).accessKeyId).toBe('new')
  })
})

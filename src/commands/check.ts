/**
 * `watchpost check`: would the recorder work with these settings? Every camera is started for 3 s, the buffer's folder
 * is written to, and the store gets a real append. One line each, with what to do where it would not.
 */
import { access, constants, readFile, stat, statfs } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Command } from 'commander'
import { createChildStarter } from '../adapters/child-process.ts'
import { inspectFfmpeg } from '../adapters/ffmpeg.ts'
import { wordsOf } from '../adapters/folders.ts'
import { mountedFolder } from '../adapters/mounted-folder.ts'
import { openToOthers } from '../adapters/settings-file.ts'
import { systemClock } from '../adapters/system-clock.ts'
import { err, ok, type Result } from '../base/result.ts'
import type { CommandFacts } from '../capture/camera-command.ts'
import { type CameraFindings, probeCamera } from '../capture/camera-probe.ts'
import { createCameraRun } from '../capture/run-splitter.ts'
import type { CameraSettings } from '../config/camera-settings.ts'
import type { Settings } from '../config/settings.ts'
import { bytesText, codecText } from '../console/status-text.ts'
import { probeStore } from './check-store.ts'
import { CommandError } from './command-error.ts'
import { configOption } from './config-option.ts'
import { storeFromSettings } from './store-from-settings.ts'

const lookS = 3

export function registerCheck(program: Command): void {
  program
    .command('check')
    .description('check the settings, look at each camera for 3 s, and append a probe to the store')
    .addOption(configOption())
    .action(async (options: { readonly config: string }) => {
      const stop = new AbortController()
      const end = (): void => stop.abort()
      process.once('SIGINT', end)
      process.once('SIGTERM', end)
      try {
        await check(options.config, stop.signal)
      } finally {
        process.off('SIGINT', end)
        process.off('SIGTERM', end)
      }
    })
}

async function check(config: string, signal: AbortSignal): Promise<void> {
  const open = await storeFromSettings(config)
  const { settings, store } = open
  const failed = new Set<'here' | 'store'>()
  const tell = (what: string, result: Result<string, string>, where: 'here' | 'store' = 'here'): void => {
    process.stdout.write(`${result.ok ? '✓' : '✗'} ${what}: ${result.ok ? result.value : result.error}\n`)
    if (!result.ok) failed.add(where)
  }
  try {
    tell('settings', ok(`${config} is right`))
    for (const remark of await remarks(config, settings)) process.stdout.write(`! ${remark}\n`)
    if (settings.store.caFile !== undefined) tell('store.caFile', await readable(settings.store.caFile))
    tell('buffer', await writable(settings))
    const facts = await inspectFfmpeg()
    for (const camera of settings.cameras) {
      if (!signal.aborted) tell(`camera ${camera.name}`, await lookAt(camera, facts, signal))
    }
    const probe = await probeStore(open, signal)
    const told = probe.ok
      ? ok(
          `${probe.value.bytes} bytes appended to ${probe.value.key}, length and CRC-64 equal (${probe.value.elapsedMs} ms)`,
        )
      : probe
    tell(`store ${settings.store.bucket}`, told, 'store')
  } finally {
    await store.close()
  }
  if (failed.has('store')) throw new CommandError(3, 'The store would not take footage; see above.')
  if (failed.size > 0) throw new CommandError(1, 'The recorder would not work as it is set; see above.')
}

/** What is allowed and probably not meant. */
async function remarks(config: string, { store, buffer }: Settings): Promise<string[]> {
  const found: string[] = []
  const open = store.credentials.accessKeySecret === undefined ? undefined : await openToOthers(config)
  if (open !== undefined) found.push(open)
  if (store.endpoint?.startsWith('http://') === true && !/^http:\/\/(?:127\.|localhost|\[::1\])/.test(store.endpoint)) {
    found.push('store.endpoint begins with http://: footage and file names cross the network unencrypted.')
  }
  if (buffer.minFreeBytes === 0)
    found.push('buffer.minFreeBytes is 0: a full disk may then stop the rest of the system.')
  return found
}

async function readable(path: string): Promise<Result<string, string>> {
  try {
    const text = await readFile(path, 'utf8')
    if (text.includes('-----BEGIN CERTIFICATE-----')) return ok(`${path} holds certificates`)
    return err(`${path} holds no certificate in PEM form.`)
  } catch (error) {
    return err(`${path} cannot be read (${codeOf(error)}).`)
  }
}

/** The folder, or the nearest one above it in which it would be made. Nothing is written. */
async function writable({ buffer }: Settings): Promise<Result<string, string>> {
  const { directory, mountPoint } = buffer
  try {
    await (await mountedFolder(directory, mountPoint).enter()).leave()
  } catch (error) {
    return err(`${directory} cannot be used: ${wordsOf(error)}.`)
  }
  let place = directory
  while (place !== '/' && !(await stat(place).catch(() => undefined))) place = dirname(place)
  try {
    if (!(await stat(place)).isDirectory()) return err(`${place} is not a folder. Choose another (buffer.directory).`)
    await access(place, constants.W_OK | constants.X_OK)
    const { bavail, bsize } = await statfs(place)
    const free = bavail * bsize
    if (free < buffer.minFreeBytes) {
      const wanted = bytesText(buffer.minFreeBytes)
      return err(
        `${directory} has ${bytesText(free)} free, less than buffer.minFreeBytes (${wanted}); nothing could be kept.`,
      )
    }
    return ok(`${directory}${place === directory ? '' : ' can be made'}, ${bytesText(free)} free`)
  } catch (error) {
    return err(
      `${directory} cannot be written (${place}: ${wordsOf(error)}). Run this as the recorder's user, change its owner, or choose another (buffer.directory).`,
    )
  }
}

async function lookAt(
  camera: CameraSettings,
  facts: CommandFacts,
  signal: AbortSignal,
): Promise<Result<string, string>> {
  const world = { clock: systemClock, children: createChildStarter(), newRun: createCameraRun }
  const found = await probeCamera(world, { name: camera.name, source: camera, facts }, lookS, signal)
  return found.ok ? ok(findingText(found.value)) : found
}

function findingText({ codec, width, height, framesPerS, bitsPerS, gopMs }: CameraFindings): string {
  const round = (value: number): string => String(Math.round(value * 10) / 10)
  const facts = [
    codecText(codec),
    width === undefined || height === undefined ? undefined : `${width}x${height}`,
    framesPerS === undefined ? undefined : `${round(framesPerS)} frames/s`,
    gopMs === undefined ? 'no second keyframe seen' : `GOP ${round(gopMs / 1000)} s`,
    bitsPerS === undefined ? undefined : `${round(bitsPerS / 1e6)} Mbit/s`,
  ]
  return facts.filter((fact) => fact !== undefined).join(', ')
}

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'unknown error'

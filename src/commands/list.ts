/** `watchpost list`: which cameras there are, and which recordings and gaps one of them has. */
import type { Command } from 'commander'
import { systemClock } from '../adapters/system-clock.ts'
import { camerasJson, camerasText, historyJson, historyText } from '../reader/list-text.ts'
import { newestRecording } from '../reader/newest.ts'
import { listCameras, readCamera } from '../reader/recordings.ts'
import { resolveTarget } from '../reader/target.ts'
import { CommandError } from './command-error.ts'
import { configOption } from './config-option.ts'
import { answered, momentHelp, momentOption, type OpenArchive, openArchive, triesMax } from './read-archive.ts'

/** A person who names no time means lately; a year has 9,000 recordings. */
const sinceDefaultMs = 86_400_000

interface ListOptions {
  readonly config: string
  readonly since?: string
  readonly until?: string
  readonly json?: boolean
}

export function registerList(program: Command): void {
  program
    .command('list')
    .description('show cameras, or the recordings and gaps of one of them')
    .argument('[camera]', 'a camera of this device, or DEVICE/CAMERA')
    .addOption(configOption())
    .option('--since <time>', `only what ends after this time, ${momentHelp} (default: the last 24 hours)`)
    .option('--until <time>', 'only what begins before this time')
    .option('--json', 'for programs: one JSON document, times in UTC')
    .action(async (camera: string | undefined, options: ListOptions) => {
      const open = await openArchive(options.config, triesMax)
      try {
        process.stdout.write(
          camera === undefined ? await cameras(open, options) : await recordings(open, camera, options),
        )
      } finally {
        await open.close()
      }
    })
}

async function cameras(open: OpenArchive, options: ListOptions): Promise<string> {
  const { archive, place, signal } = open
  const names = answered(await listCameras(archive, place.prefix, signal))
  const lines = []
  for (const name of names) {
    const where = { place: { ...place, device: name.device }, camera: name.camera }
    lines.push({ ...name, newest: answered(await newestRecording(archive, where, systemClock.wall(), signal)) })
  }
  return options.json ? json(camerasJson(lines)) : camerasText(lines, place, open.timeZone)
}

async function recordings(open: OpenArchive, name: string, options: ListOptions): Promise<string> {
  const { timeZone: zone } = open
  const sinceMs = momentOption(options.since, zone) ?? systemClock.wall() - sinceDefaultMs
  const untilMs = momentOption(options.until, zone)
  const target = answered(await resolveTarget(open.archive, open.place, name, open.signal))
  if (target.kind !== 'camera')
    throw new CommandError(2, `${name} is not a camera. See which there are: watchpost list`)
  const range = { sinceMs, ...(untilMs === undefined ? {} : { untilMs }) }
  const world = { ...open, nowMs: systemClock.wall() }
  const history = answered(await readCamera(world, target, range, open.signal))
  return options.json ? json(historyJson(history)) : historyText(target, history, { zone, sinceMs, untilMs })
}

const json = (value: unknown): string => `${JSON.stringify(value, undefined, 2)}\n`

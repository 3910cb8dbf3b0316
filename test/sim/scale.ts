/**
 * The recorder's settings and limits, a thousand times smaller than life: a unit is 1 to 3 KB, a segment some tens of
 * units. Which of them are tight is the seed's choice.
 */

import type { Sizes } from '../../src/buffer/sizes.ts'
import { parseSettings } from '../../src/config/parse-settings.ts'
import type { Settings } from '../../src/config/settings.ts'
import type { CameraPlan } from './cameras.ts'
import type { Chance } from './chance.ts'

const KiB = 1024

export interface Scale {
  readonly settings: Settings
  /** The same recorder with its cameras and inputs taken away. */
  readonly drained: Settings
  readonly sizes: Partial<Sizes>
  readonly cameras: readonly CameraPlan[]
  /** No object takes more, in bytes. */
  readonly objectBytesMax: number
  readonly withInput: boolean
}

const text = `
device: sim
site: {timeZone: UTC}
store:
  bucket: sim-footage
  region: cn-hangzhou
  credentials: {accessKeyId: sim, accessKeySecret: sim}
cameras: [{name: gate, kind: command, command: [sim, gate]}]
inputs: [{name: pir, chip: sim, line: 1, kind: motion}]
buffer: {directory: /buffer}
`

let parsed: Settings | undefined

function base(): Settings {
  if (parsed !== undefined) return parsed
  const read = parseSettings(text)
  if (!read.ok) throw new Error(`the settings of the simulator: ${JSON.stringify(read.error)}`)
  parsed = read.value
  return parsed
}

export function scaleOf(chance: Chance): Scale {
  const cameras = camerasOf(chance)
  const segmentBytes = chance.pick([12, 24, 48]) * KiB
  const withInput = chance.is(0.5)
  const [camera] = base().cameras
  if (camera?.kind !== 'command') throw new Error('the camera of the simulator is a command')
  const perCamera = chance.pick([10_000, 10_000, 64, 24]) * KiB
  const rolloverBytes = chance.pick([24, 96, 1_000, 1_000]) * KiB
  const settings: Settings = {
    ...base(),
    cameras: cameras.map(({ name }) => ({ ...camera, name, command: ['sim', name] })),
    inputs: withInput ? base().inputs : [],
    buffer: {
      ...base().buffer,
      quotaBytes: chance.pick([1e9, 1e9, 1e9, 8 * segmentBytes, 4 * segmentBytes]),
      minFreeBytes: 0,
      spillAfterS: chance.pick([0, 2, 5, 5, 5, 20]),
      memoryBytes: 1.5 * perCamera,
      memoryBytesPerCamera: perCamera,
    },
    rollover: { bytes: rolloverBytes },
    report: { ...base().report, schedule: '* * * * *' },
  }
  return {
    settings,
    drained: { ...settings, cameras: [], inputs: [] },
    sizes: {
      segmentBytes,
      commitBytes: chance.pick([6, 24]) * KiB,
      unsyncedBytes: chance.pick([8, 64, 1_000]) * KiB,
      recordingBytes: chance.pick([3, 30, 300]) * KiB,
    },
    cameras,
    // Larger than the largest body, as in life: an object that takes not even one would be begun again and again.
    objectBytesMax: chance.is(0.08) ? 280 * KiB : Number.POSITIVE_INFINITY,
    withInput,
  }
}

function camerasOf(chance: Chance): CameraPlan[] {
  if (chance.is(0.7)) return [{ name: 'gate', framesPerGop: 3, frameMs: chance.pick([700, 800]) }]
  return ['gate', 'yard'].map((name) => ({ name, framesPerGop: 5, frameMs: chance.pick([700, 800]) }))
}

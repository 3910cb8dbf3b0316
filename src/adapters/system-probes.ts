/**
 * What Linux says of the machine: /proc, /sys and the file system of the buffer. Each question is bounded, for a disk
 * that hangs would hang the answer; what is not there (another system, another board) is `null`.
 */
import { readdir, readFile, statfs } from 'node:fs/promises'
import { availableParallelism, freemem, loadavg, totalmem, uptime } from 'node:os'
import { join } from 'node:path'
import type { Machine, MachineProbes } from '../health/machine.ts'

/** A healthy disk answers in microseconds, a busy SD card within a second. */
const answerMs = 2_000

export interface ProbeOptions {
  /** A folder on the file system of the buffer. */
  readonly directory: string
  /** Where /proc and /sys are; another folder in tests. */
  readonly root?: string
}

export function createSystemProbes({ directory, root = '/' }: ProbeOptions): MachineProbes {
  // A call to a dead disk never returns and holds a thread; asking again and again would take them all.
  let disk: Promise<{ readonly bytes: number; readonly free: number } | null> | undefined
  async function askDisk(): Promise<{ readonly bytes: number; readonly free: number } | null> {
    try {
      const { bsize, blocks, bavail } = await statfs(directory)
      return { bytes: bsize * blocks, free: bsize * bavail }
    } catch {
      return null
    } finally {
      disk = undefined
    }
  }

  return {
    async look(): Promise<Machine> {
      disk ??= askDisk()
      const [space, memoryAvailableBytes, temperatureC, underVoltage] = await Promise.all([
        within(disk),
        within(availableMemory(root)),
        within(hottest(root)),
        within(supplyAlarm(root)),
      ])
      return {
        uptimeMs: uptime() * 1000,
        load1: loadavg()[0] ?? 0,
        cpus: availableParallelism(),
        memoryBytes: totalmem(),
        memoryAvailableBytes: memoryAvailableBytes ?? (process.platform === 'linux' ? null : freemem()),
        processBytes: process.memoryUsage.rss(),
        diskBytes: space?.bytes ?? null,
        diskFreeBytes: space?.free ?? null,
        temperatureC,
        underVoltage,
      }
    },
  }
}

function within<T>(answer: Promise<T | null>): Promise<T | null> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<null>((resolve) => {
    timer = setTimeout(() => resolve(null), answerMs)
  })
  return Promise.race([answer, late]).finally(() => clearTimeout(timer))
}

/** `MemAvailable` counts what the kernel would give back; what is merely free says nothing on Linux. Source: proc(5). */
async function availableMemory(root: string): Promise<number | null> {
  const text = await contentOf(join(root, 'proc/meminfo'))
  const match = /^MemAvailable:\s+(\d+) kB$/m.exec(text ?? '')
  return match === null ? null : Number(match[1]) * 1024
}

/** In °C with one decimal; the files hold thousandths. Source: kernel, thermal/sysfs-api. */
async function hottest(root: string): Promise<number | null> {
  const folder = join(root, 'sys/class/thermal')
  const zones = (await namesIn(folder)).filter((name) => name.startsWith('thermal_zone'))
  const read = await Promise.all(zones.map((zone) => contentOf(join(folder, zone, 'temp'))))
  const degrees = read.flatMap((text) => (text !== undefined && /^-?\d+\s*$/.test(text) ? [Number(text) / 1000] : []))
  return degrees.length === 0 ? null : Math.round(Math.max(...degrees) * 10) / 10
}

/** The driver `raspberrypi-hwmon` calls its sensor `rpi_volt` and raises the alarm while the supply is too low. */
async function supplyAlarm(root: string): Promise<boolean | null> {
  const folder = join(root, 'sys/class/hwmon')
  for (const name of await namesIn(folder)) {
    if ((await contentOf(join(folder, name, 'name')))?.trim() !== 'rpi_volt') continue
    const alarm = (await contentOf(join(folder, name, 'in0_lcrit_alarm')))?.trim()
    return alarm === undefined ? null : alarm === '1'
  }
  return null
}

const contentOf = (path: string): Promise<string | undefined> => readFile(path, 'utf8').catch(() => undefined)
const namesIn = (folder: string): Promise<string[]> => readdir(folder).catch(() => [])

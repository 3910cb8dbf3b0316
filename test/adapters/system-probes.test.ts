import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { createSystemProbes } from '../../src/adapters/system-probes.ts'

let root = ''
afterEach(() => {
  if (root !== '') rmSync(root, { recursive: true, force: true })
  root = ''
})

function machineOf(files: Readonly<Record<string, string>>) {
  root = mkdtempSync(join(tmpdir(), 'probes-'))
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), text)
  }
  return createSystemProbes({ directory: root, root }).look()
}

describe('the probes of the machine', () => {
  test('read what a board shows', async () => {
    const machine = await machineOf({
      'proc/meminfo': 'MemTotal:  1000 kB\nMemFree:  10 kB\nMemAvailable:     512 kB\n',
      'sys/class/thermal/thermal_zone0/temp': '51234\n',
      'sys/class/thermal/thermal_zone1/temp': '48000\n',
      'sys/class/thermal/cooling_device0/temp': '99000\n',
      'sys/class/hwmon/hwmon0/name': 'cpu_thermal\n',
      'sys/class/hwmon/hwmon1/name': 'rpi_volt\n',
      'sys/class/hwmon/hwmon1/in0_lcrit_alarm': '1\n',
    })
    expect(machine).toMatchObject({ memoryAvailableBytes: 512 * 1024, temperatureC: 51.2, underVoltage: true })
    expect(machine.diskFreeBytes).toBeGreaterThan(0)
    expect(machine.diskBytes).toBeGreaterThan(machine.diskFreeBytes ?? 0)
    expect(machine.processBytes).toBeGreaterThan(1_000_000)
  })

  test('are null where the machine says nothing, or nonsense', async () => {
    expect(await machineOf({ 'sys/class/thermal/thermal_zone0/temp': 'hot\n' })).toMatchObject({
      memoryAvailableBytes: null,
      temperatureC: null,
      underVoltage: null,
    })
    const gone = await createSystemProbes({ directory: join(root, 'not-mounted'), root }).look()
    expect(gone).toMatchObject({ diskBytes: null, diskFreeBytes: null })
  })

  test('answer on this machine', async () => {
    const machine = await createSystemProbes({ directory: tmpdir() }).look()
    expect(machine.cpus).toBeGreaterThan(0)
    expect(machine.uptimeMs).toBeGreaterThan(0)
  })
})

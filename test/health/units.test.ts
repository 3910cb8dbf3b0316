import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { isInstalled } from '../../src/adapters/child-process.ts'

const unitOf = (name: string): string =>
  readFileSync(fileURLToPath(new URL(`../../systemd/${name}`, import.meta.url)), 'utf8')

/** Values of the settings of a unit, by name. */
function settingsOf(text: string): Map<string, string[]> {
  const found = new Map<string, string[]>()
  for (const [, name = '', value = ''] of text.matchAll(/^([A-Z]\w+)=(.*)$/gm)) {
    found.set(name, [...(found.get(name) ?? []), value])
  }
  return found
}

describe.each(['watchpost.service', 'watchpost-console.service'])('%s', (name) => {
  const text = unitOf(name)
  const settings = settingsOf(text)

  test('runs as its own user, without rights, and comes back whatever happens', () => {
    expect(settings.get('User')).toEqual(['watchpost'])
    expect(settings.get('CapabilityBoundingSet')).toEqual([''])
    expect(settings.get('NoNewPrivileges')).toEqual(['yes'])
    expect(settings.get('ProtectSystem')).toEqual(['strict'])
    expect(settings.get('Restart')).toEqual(['always'])
    expect(settings.get('StartLimitIntervalSec')).toEqual(['0'])
  })

  test('is understood by systemd without a complaint, where there is one', () => {
    const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
    for (const line of lines) expect(line).toMatch(/^(\[(Unit|Service|Install)\]|[A-Z]\w+=.*)$/)
    if (!isInstalled('systemd-analyze')) return
    // The user, the program and the folders of a device are not here; everything else is to be right.
    const folder = mkdtempSync(join(tmpdir(), 'unit-'))
    mkdirSync(join(folder, 'units'))
    const here = text.replace(/^ExecStart=.*$/m, `ExecStart=${process.execPath} --version`)
    writeFileSync(join(folder, 'units', name), here.replace(/^Documentation=.*\n/m, ''))
    const verified = spawnSync('systemd-analyze', ['verify', '--recursive-errors=no', join(folder, 'units', name)], {
      encoding: 'utf8',
      timeout: 30_000,
    })
    rmSync(folder, { recursive: true, force: true })
    const complaints = verified.stderr.split('\n').filter((line) => line.includes(name))
    expect(complaints).toEqual([])
  })
})

test('the recorder reaches its GPIO lines and cameras', () => {
  const settings = settingsOf(unitOf('watchpost.service'))
  // Each of these would take them away without a word.
  for (const name of ['ProtectKernelTunables', 'PrivateDevices', 'ProtectClock', 'DevicePolicy', 'ProcSubset']) {
    expect(settings.has(name)).toBe(false)
  }
  expect(settings.get('SupplementaryGroups')).toEqual(['gpio video dialout'])
  expect(settings.get('NotifyAccess')).toEqual(['all'])
  expect(settings.get('Environment')).toEqual(['UV_THREADPOOL_SIZE=16'])
})

test('no disk keeps the recorder from starting', () => {
  const settings = settingsOf(unitOf('watchpost.service'))
  for (const name of ['RequiresMountsFor', 'Requires', 'BindsTo', 'Requisite']) expect(settings.has(name)).toBe(false)
})

test('every block of the recorder says why it is there', () => {
  const blocks = unitOf('watchpost.service').split(/\n(?=#)/)
  // A comment stands before at most four settings.
  for (const block of blocks) expect(block.match(/^[A-Z]\w+=/gm)?.length ?? 0).toBeLessThanOrEqual(4)
})

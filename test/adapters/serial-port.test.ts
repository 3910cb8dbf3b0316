import { mkdtemp, readFile, rm, symlink, unlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { keepSerialPort } from '../../src/adapters/serial-port.ts'
import { readSettingsFile, saveSettingsFile } from '../../src/adapters/settings-file.ts'
import { systemClock } from '../../src/adapters/system-clock.ts'
import type { Clock } from '../../src/base/clock.ts'
import { createLogger } from '../../src/base/log.ts'
import { seededRandom } from '../../src/base/random.ts'
import { err, ok } from '../../src/base/result.ts'
import { exampleSettings } from '../../src/config/example.ts'
import { parseSettings } from '../../src/config/parse-settings.ts'
import type { ConsoleWorld } from '../../src/console/console-world.ts'
import { serveConsole } from '../../src/console/serve-console.ts'
import { openPty, type PtyEnd } from '../support/pty.ts'
import { status } from '../support/status.ts'

let folder: string
let config: string
/** A name that may be pointed at another terminal, as a USB adapter comes back under its name. */
let port: string
let stop: AbortController
let served: Promise<void> | undefined
let log: string[]
const ptys: PtyEnd[] = []

const pty = async (): Promise<PtyEnd> => {
  const made = await openPty()
  ptys.push(made)
  return made
}

const plugIn = async (end: PtyEnd): Promise<void> => {
  await unlink(port).catch(() => undefined)
  await symlink(end.path, port)
}

/** Waits are a twentieth as long. */
const hasty: Clock = { ...systemClock, sleep: (ms, signal) => systemClock.sleep(ms === 20_000 ? ms : ms / 20, signal) }

function serve(): void {
  const world: ConsoleWorld = {
    version: '0.1.0',
    async readSettings() {
      const read = await readSettingsFile(config)
      return read.ok ? read : err('unreadable')
    },
    saveSettings: (text) => saveSettingsFile(config, text),
    ask: async (request) =>
      request.do === 'status' ? ok(status) : ok({ accepted: true, message: 'The recorder has taken them.' }),
  }
  served = keepSerialPort({
    path: port,
    baud: 115_200,
    clock: hasty,
    log: createLogger({ sink: { write: (line) => log.push(line) }, clock: systemClock }),
    signal: stop.signal,
    serve: (wire) => serveConsole(wire, world, stop.signal),
  })
}

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'watchpost-serial-'))
  config = join(folder, 'watchpost.yaml')
  port = join(folder, 'ttyConsole')
  const filled = exampleSettings({ device: 'gate-1' })
    .replace('  bucket:\n', '  bucket: my-footage\n')
    .replace('  region:\n', '  region: cn-hangzhou\n')
    .replace('environment: false', 'environment: true')
  await writeFile(config, filled)
  stop = new AbortController()
  served = undefined
  log = []
})

afterEach(async () => {
  stop.abort()
  await served
  await Promise.all(ptys.splice(0).map((end) => end.close()))
  await rm(folder, { recursive: true })
})

describe('the console on a real terminal pair', () => {
  test('shows, sets and commits, and the file says so', async () => {
    const end = await pty()
    await plugIn(end)
    serve()
    await end.until(/watchpost> $/)
    end.write('show device\r')
    await end.until(/device = gate-1\r\nwatchpost> $/)
    end.write('set site.timeZone Europe/Berlin\rstatus\r')
    await end.until(/uplink {4}sending.*watchpost \(changed\)> $/s)
    end.write('set cameras[0].framesPerS 99\r')
    await end.until(/it must be a whole number from 1 to 60/)
    end.write('set store.objects.cacheControl no-cache\rcommit\r')
    await end.until(/Saved. The recorder has taken them\.\r\nwatchpost> $/)
    const saved = parseSettings(await readFile(config, 'utf8'))
    expect(saved).toMatchObject({
      ok: true,
      value: { site: { timeZone: 'Europe/Berlin' }, store: { objects: { cacheControl: 'no-cache' } } },
    })
    end.write('exit\r')
    // A session that has ended makes room for the next: the prompt comes back.
    await end.until(/Goodbye\.\r\n(.*\r\n)?watchpost> $/s)
  })

  test('waits for a port that is missing, and takes it up again when it vanishes', async () => {
    serve()
    const first = await pty()
    while (!log.join().includes('There is no serial port')) await systemClock.sleep(10)
    await plugIn(first)
    await first.until(/watchpost> $/)
    await first.close()
    while (!log.join().includes('has ended')) await systemClock.sleep(10)
    const second = await pty()
    await plugIn(second)
    await second.until(/watchpost> $/)
    second.write('show device\r')
    await second.until(/device = gate-1/)
    expect(log.map((line) => JSON.parse(line).message)).toContain(
      `There is no serial port ${port}. The console tries again until it works; the recorder goes on.`,
    )
  })

  test('answers an endless line once, and lives through noise', async () => {
    const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31))
    const random = seededRandom(seed)
    const end = await pty()
    await plugIn(end)
    serve()
    await end.until(/watchpost> $/)
    end.write(`${'x'.repeat(30_000)}\r`)
    await end.until(/This line is longer than 1024 bytes; nothing of it was obeyed\.\r\nwatchpost> $/)
    expect(end.text().match(/longer than/g)).toHaveLength(1)
    for (let round = 0; round < 100; round += 1) {
      // No "e": noise that spells "exit" would end the session, as it should.
      const noise = Buffer.from(random.hex(200), 'hex').filter((byte) => byte !== 0x65)
      end.write(noise)
    }
    end.write('\r\x03show device\r')
    await end.until(/device = gate-1\r\nwatchpost> $/).catch((error) => {
      throw new Error(`SEED=${seed}: ${error}`)
    })
    expect(parseSettings(await readFile(config, 'utf8')).ok).toBe(true)
  })

  test('stops at once while nobody reads at the other end', async () => {
    const end = await pty()
    await plugIn(end)
    serve()
    await end.until(/watchpost> $/)
    // Each answer is 2 KB, more of them than the kernel holds for a terminal.
    end.write('show\r'.repeat(40))
    await end.until(/device = /)
    end.freeze()
    // Until the console waits in a write; whenever it comes there, the next line must hold.
    await systemClock.sleep(100)
    stop.abort()
    await served
  })

  test('a path that is no serial port is a sentence', async () => {
    await writeFile(port, 'text')
    serve()
    while (log.length === 0) await systemClock.sleep(10)
    expect(JSON.parse(log[0] ?? '').message).toContain(`The serial port ${port} could not be opened`)
  })
})

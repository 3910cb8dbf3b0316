/**
 * The virtual device from outside: boots it, follows its console, drives its GPIO lines, talks on its serial port, cuts
 * its network and pulls its plug.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { compiledSrc } from '../support/run-ts.ts'

const starter = fileURLToPath(new URL('../../scripts/virtual-device/run-vm.sh', import.meta.url))

export interface DeviceOptions {
  /** Shell text that the device runs once it is up; it powers off at its end. `out/` of the host is `/out` there. */
  readonly job: string
  /** Further files for `/out`: name and text. */
  readonly files?: Readonly<Record<string, string>>
}

export interface VirtualDevice {
  /** Waits for a pattern on the console, from `from` on, and returns the match. */
  waitFor(pattern: RegExp, options?: { readonly ms?: number; readonly from?: number }): Promise<RegExpExecArray>
  /** Everything it said so far. */
  console(): string
  /** Puts a level on an input line of the GPIO controller `9030000.pl061`: 0 to 7. */
  setLine(line: number, level: 0 | 1): Promise<void>
  /** The other end of its `/dev/ttyS0`. */
  serial(): Promise<Socket>
  setNetwork(up: boolean): Promise<void>
  /** Nothing in the guest gets to run again. */
  powerCut(): Promise<void>
  /** Resolves when it is off. */
  readonly exited: Promise<void>
  /** Ends it, and removes its files. */
  end(): Promise<void>
}

export async function bootDevice({ job, files = {} }: DeviceOptions): Promise<VirtualDevice> {
  const run = mkdtempSync(join(tmpdir(), 'device-'))
  mkdirSync(join(run, 'out'))
  for (const [name, text] of Object.entries({ 'job.sh': job, ...files })) writeFileSync(join(run, 'out', name), text)
  const env = { ...process.env, VM_RUN: run, VM_PROJECT: dirname(await compiledSrc()), VM_DATA_SIZE: '128M' }
  const qemu = spawn(starter, { env, stdio: ['ignore', 'pipe', 'inherit'] })
  const told = followConsole(qemu)
  const control = lineSocket(join(run, 'qmp.sock'), (line) => /^\{"(QMP|timestamp)"/.test(line))
  const wires = lineSocket(join(run, 'qtest.sock'), (line) => line.startsWith('IRQ '))
  let controller: string | undefined

  async function qmp(execute: string, args: object = {}): Promise<unknown> {
    if (control.isNew()) await control.ask('{"execute":"qmp_capabilities"}')
    const answer = JSON.parse(await control.ask(JSON.stringify({ execute, arguments: args })))
    if (answer.error !== undefined) throw new Error(answer.error.desc)
    return answer.return
  }

  async function gpioController(): Promise<string> {
    const parts = (await qmp('qom-list', { path: '/machine/unattached' })) as { name: string; type: string }[]
    const found = parts.find(({ type }) => type === 'child<pl061>')
    if (found === undefined) throw new Error('the machine has no PL061')
    return `/machine/unattached/${found.name}`
  }

  async function powerCut(): Promise<void> {
    qemu.kill('SIGKILL')
    await told.exited
  }

  return {
    waitFor: told.waitFor,
    console: told.text,
    async setLine(line, level) {
      controller ??= await gpioController()
      const answer = await wires.ask(`set_irq_in ${controller} unnamed-gpio-in ${line} ${level}`)
      if (!answer.startsWith('OK')) throw new Error(answer)
    },
    serial: () => open(join(run, 'serial.sock')),
    async setNetwork(up) {
      await qmp('set_link', { name: 'nic', up })
    },
    powerCut,
    exited: told.exited,
    async end() {
      await powerCut()
      control.end()
      wires.end()
      rmSync(run, { recursive: true, force: true })
    },
  }
}

/** What the machine says on its console, and its end. It is killed with us, for it would not notice. */
function followConsole(qemu: ChildProcess) {
  let text = ''
  let over = false
  const looks = new Set<() => void>()
  const lookAll = (): void => {
    for (const look of looks) look()
  }
  const kill = (): void => {
    qemu.kill('SIGKILL')
  }
  process.once('exit', kill)
  const exited = new Promise<void>((resolve) => {
    qemu.once('close', () => {
      process.removeListener('exit', kill)
      over = true
      lookAll()
      resolve()
    })
  })
  qemu.stdout?.setEncoding('utf8').on('data', (piece: string) => {
    text += piece.replaceAll('\r', '')
    lookAll()
  })

  function waitFor(pattern: RegExp, { ms = 120_000, from = 0 } = {}): Promise<RegExpExecArray> {
    return new Promise((resolve, reject) => {
      const fail = (why: string): void => {
        end()
        reject(new Error(`${why} while waiting for ${pattern}. It said:\n${text.slice(-3_000)}`))
      }
      const timer = setTimeout(() => fail(`${ms} ms passed`), ms)
      const end = (): void => {
        clearTimeout(timer)
        looks.delete(look)
      }
      const look = (): void => {
        const match = pattern.exec(text.slice(from))
        if (match !== null) {
          end()
          resolve(match)
        } else if (over) fail('The device went off')
      }
      looks.add(look)
      look()
    })
  }
  return { waitFor, exited, text: () => text }
}

/** A socket that answers line by line, in order, and says other lines in between. Opened at the first question. */
function lineSocket(path: string, isAside: (line: string) => boolean) {
  const asked: ((line: string) => void)[] = []
  let socket: Promise<Socket> | undefined
  let kept = ''

  async function connectAndListen(): Promise<Socket> {
    const opened = await open(path)
    opened.setEncoding('utf8').on('data', (piece: string) => {
      const lines = `${kept}${piece}`.split('\n')
      kept = lines.pop() ?? ''
      for (const line of lines) if (!isAside(line)) asked.shift()?.(line)
    })
    return opened
  }

  return {
    isNew: () => socket === undefined,
    async ask(question: string): Promise<string> {
      socket ??= connectAndListen()
      const opened = await socket
      return new Promise((resolve) => {
        asked.push(resolve)
        opened.write(`${question}\n`)
      })
    },
    end(): void {
      void socket?.then((opened) => opened.destroy())
    },
  }
}

/** QEMU makes its sockets within its first second. */
async function open(path: string): Promise<Socket> {
  for (let tries = 0; ; tries += 1) {
    try {
      return await new Promise((resolve, reject) => {
        const socket = connect(path, () => resolve(socket.on('error', () => {})))
        socket.once('error', reject)
      })
    } catch (error) {
      if (tries > 100) throw error
      await sleep(100)
    }
  }
}

/**
 * A folder that looks like /sys/class/gpio, and a driver that behaves on it as onoff does on the real one. The kernel's
 * part (making the folder of an exported line) is played by the driver.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { GpioDriver, GpioPin } from '../../src/adapters/onoff-input.ts'
import type { Level } from '../../src/capture/input-line.ts'

export interface FakeChip {
  readonly label: string
  readonly base: number
  readonly ngpio: number
}

export interface GpioTree {
  readonly root: string
  readonly driver: GpioDriver
  /** Numbers of the lines that were exported, in order. */
  readonly exported: number[]
  /** Lines whose export fails with this code. */
  readonly refused: Map<number, string>
  set(line: number, level: Level): void
  /** Reads of the line fail from now on, and its driver hears an edge. */
  breakLine(line: number): void
  mendLine(line: number): void
  end(): void
}

export function createGpioTree(chips: readonly FakeChip[]): GpioTree {
  const root = mkdtempSync(join(tmpdir(), 'gpio-'))
  for (const { label, base, ngpio } of chips) {
    const folder = join(root, `gpiochip${base}`)
    mkdirSync(folder)
    for (const [file, value] of Object.entries({ label, base, ngpio })) writeFileSync(join(folder, file), `${value}\n`)
  }
  writeFileSync(join(root, 'export'), '')
  const pins = new Map<number, FakePin>()
  const broken = new Set<number>()
  const refused = new Map<number, string>()
  const exported: number[] = []
  const valuePath = (line: number): string => join(root, `gpio${line}`, 'value')

  class FakePin implements GpioPin {
    readonly #line: number
    #callback: ((error: null, value: Level) => void) | undefined
    constructor(line: number) {
      const code = refused.get(line)
      if (code !== undefined) throw Object.assign(new Error(code), { code })
      this.#line = line
      mkdirSync(join(root, `gpio${line}`), { recursive: true })
      writeFileSync(valuePath(line), '0\n')
      exported.push(line)
      pins.set(line, this)
    }
    readSync(): Level {
      if (broken.has(this.#line)) throw Object.assign(new Error('no such device'), { code: 'ENODEV' })
      return readFileSync(valuePath(this.#line), 'utf8').startsWith('1') ? 1 : 0
    }
    watch(callback: (error: null, value: Level) => void): void {
      this.#callback = callback
    }
    /** What onoff does when epoll wakes it: reads, and hands the level on. */
    wake(): void {
      if (this.#callback === undefined) return
      const value = this.readSync()
      this.#callback?.(null, value)
    }
    unwatchAll(): void {
      this.#callback = undefined
    }
    unexport(): void {
      this.unwatchAll()
      rmSync(join(root, `gpio${this.#line}`), { recursive: true, force: true })
    }
    direction(): string {
      return 'in'
    }
    edge(): string {
      return 'both'
    }
  }

  return {
    root,
    driver: { Gpio: FakePin },
    exported,
    refused,
    set(line, level) {
      mkdirSync(join(root, `gpio${line}`), { recursive: true })
      writeFileSync(valuePath(line), `${level}\n`)
      pins.get(line)?.wake()
    },
    breakLine(line) {
      broken.add(line)
      pins.get(line)?.wake()
    },
    mendLine: (line) => broken.delete(line),
    end: () => rmSync(root, { recursive: true, force: true }),
  }
}

/**
 * Input lines by the package `onoff`, which watches GPIO lines through /sys/class/gpio and epoll.
 *
 * The package is optional (a part of it is compiled on the machine) and loaded only when a line is opened, so that
 * everything but inputs works without it. It takes the kernel's number of a line; we find that number from the chip's
 * label and base, since both the order of chips and their bases change with kernels and boards.
 *
 * A line that was left exported by a killed recorder is taken over. A level is read as the wire has it; `active_low` is
 * switched off, whatever somebody left there. Bounces are not filtered here, but in `capture/motion.ts`.
 */
import { closeSync, constants, existsSync, openSync, readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import type { Clock } from '../base/clock.ts'
import { err, ok, type Result } from '../base/result.ts'
import type { InputLine, InputLines, Level, LineError, LineListener, LinePlace } from '../capture/input-line.ts'

/** The part of onoff that we use. Declared here, since its types are missing where the package is. */
export interface GpioPin {
  readSync(): Level
  watch(callback: (error: Error | null | undefined, value: Level) => void): void
  unwatchAll(): void
  unexport(): void
  direction(): string
  edge(): string
}
export interface GpioDriver {
  readonly Gpio: new (
    number: number,
    direction: 'in',
    edge: 'both',
    options: { readonly activeLow: boolean },
  ) => GpioPin
}

export interface OnoffOptions {
  readonly clock: Clock
  /** Where the kernel shows GPIO; another folder in tests of the mapping. */
  readonly root?: string
  readonly loadDriver?: () => GpioDriver
}

const require = createRequire(import.meta.url)

export function createOnoffLines({
  clock,
  root = '/sys/class/gpio',
  loadDriver = loadOnoff,
}: OnoffOptions): InputLines {
  function open(place: LinePlace, listener: LineListener): Result<InputLine, LineError> {
    const number = lineNumber(root, place)
    if (!number.ok) return number
    const denied = deniedPath(root, number.value)
    if (denied !== undefined) return err({ kind: 'denied', path: denied })
    let driver: GpioDriver
    try {
      driver = loadDriver()
    } catch (error) {
      return err({ kind: 'no-driver', reason: reasonOf(error) })
    }
    try {
      const pin = new driver.Gpio(number.value, 'in', 'both', { activeLow: false })
      // onoff goes on when a line that was exported before cannot be set up.
      if (pin.direction() !== 'in' || pin.edge() !== 'both') {
        pin.unwatchAll()
        return err({ kind: 'busy' })
      }
      return ok(watchedLine(pin, clock, listener))
    } catch (error) {
      return err(lineErrorOf(error, join(root, 'export'), place.line))
    }
  }
  return { open: (place, listener) => Promise.resolve(open(place, listener)) }
}

function watchedLine(pin: GpioPin, clock: Clock, listener: LineListener): InputLine {
  const plainRead = pin.readSync.bind(pin)
  let last: Level = plainRead()
  let closed = false

  function lost(error: unknown): void {
    if (closed) return
    pin.unwatchAll()
    listener.onLost({ kind: 'failed', reason: reasonOf(error) })
  }
  // onoff reads the level inside the callback of epoll, where an exception (a chip that was unplugged) would end the
  // process.
  pin.readSync = () => {
    try {
      last = plainRead()
    } catch (error) {
      lost(error)
    }
    return last
  }
  pin.watch((error, value) => {
    const at = clock.mono()
    if (closed) return
    if (error) lost(error)
    else listener.onEdge(value, at)
  })

  return {
    read() {
      try {
        return ok(plainRead())
      } catch (error) {
        return err({ kind: 'failed', reason: reasonOf(error) })
      }
    },
    close() {
      if (closed) return
      closed = true
      try {
        pin.unexport()
      } catch {
        // The chip is gone, and the line with it.
      }
    },
  }
}

/** The kernel's number of a line: the base of the chip with this label, read and not assumed, plus the line. */
export function lineNumber(root: string, place: LinePlace): Result<number, LineError> {
  const chips = chipsOf(root)
  if (chips.length === 0) return err({ kind: 'no-gpio' })
  const [chip, another] = chips.filter(({ label }) => label === place.chip)
  if (chip === undefined) return err({ kind: 'no-chip', chips: chips.map(({ label }) => label).sort() })
  if (another !== undefined) return err({ kind: 'two-chips' })
  if (place.line < 0 || place.line >= chip.lines) return err({ kind: 'no-line', lines: chip.lines })
  return ok(chip.base + place.line)
}

function chipsOf(root: string): { readonly label: string; readonly base: number; readonly lines: number }[] {
  try {
    return readdirSync(root)
      .filter((name) => /^gpiochip\d+$/.test(name))
      .map((name) => {
        const read = (file: string): string => readFileSync(join(root, name, file), 'utf8').trim()
        return { label: read('label'), base: Number(read('base')), lines: Number(read('ngpio')) }
      })
  } catch {
    return []
  }
}

/** Asked before onoff is, which tries 10,000 times to open a file that it may not write. */
function deniedPath(root: string, number: number): string | undefined {
  const exported = join(root, `gpio${number}`)
  const paths = existsSync(exported) ? [join(exported, 'value'), join(exported, 'edge')] : [join(root, 'export')]
  return paths.find((path) => {
    try {
      closeSync(openSync(path, constants.O_WRONLY))
      return false
    } catch (error) {
      return codeOf(error) === 'EACCES'
    }
  })
}

/** One table: what onoff and the kernel say, and what it means. */
function lineErrorOf(error: unknown, path: string, line: number): LineError {
  switch (codeOf(error)) {
    case 'EBUSY':
      return { kind: 'busy' }
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return { kind: 'denied', path: (error as NodeJS.ErrnoException).path ?? path }
    // The chip counts this line, but does not give it away (a hole in the chip, or a line of the firmware).
    case 'EINVAL':
      return { kind: 'failed', reason: `the kernel does not give line ${line} away` }
    default:
      return { kind: 'failed', reason: reasonOf(error) }
  }
}

function loadOnoff(): GpioDriver {
  return require('onoff') as GpioDriver
}

const codeOf = (error: unknown): string | undefined => (error as NodeJS.ErrnoException | undefined)?.code

/** The first line of what it says: a missing module is followed by the list of those who wanted it. */
const reasonOf = (error: unknown): string =>
  codeOf(error) ?? String((error as Error | undefined)?.message).split('\n')[0] ?? ''

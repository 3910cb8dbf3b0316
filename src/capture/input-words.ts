/** What is wrong with an input, and what a person can do about it, in one sentence or two. */
import { unreachable } from '../base/assert.ts'
import type { LineError, LinePlace } from './input-line.ts'

export function lineProblem(input: string, place: LinePlace, error: LineError): string {
  return `Input ${input} is not watched: ${causeOf(place, error)} It is tried again; recording goes on.`
}

function causeOf({ chip, line }: LinePlace, error: LineError): string {
  switch (error.kind) {
    case 'no-gpio':
      return 'this system shows no GPIO chips (/sys/class/gpio is missing or empty); its kernel needs CONFIG_GPIO_SYSFS.'
    case 'no-driver':
      return `the package onoff could not be loaded (${error.reason}); install a C++ compiler and Python, then run npm ci.`
    case 'no-chip':
      return `no GPIO chip has the label ${chip}. Set its "chip" to one of those there are: ${error.chips.join(', ')}.`
    case 'two-chips':
      return `more than one GPIO chip has the label ${chip}, so that it is not clear which one is meant.`
    case 'no-line':
      return `${chip} has no line ${line} that can be watched; its lines are 0 to ${error.lines - 1}. Set its "line" to one of these.`
    case 'busy':
      return `line ${line} of ${chip} is used by another program or driver. Free it (gpioinfo names the user) or take another line.`
    case 'denied':
      return `${error.path} may not be written by this user. Add the user to the group gpio, or see hw/README.md for the udev rule.`
    case 'failed':
      return `line ${line} of ${chip} does not work (${error.reason}).`
    default:
      return unreachable(error)
  }
}

export const restlessProblem = (input: string, debounceMs: number): string =>
  `Input ${input} changes all the time, faster than its debounce of ${debounceMs} ms: check the wire, its ground and ` +
  'a pull-up or pull-down resistor. Until it rests its events are missing; recording goes on.'

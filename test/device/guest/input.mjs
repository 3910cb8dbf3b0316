// In the device: watches one input with the compiled project, and says every line it would append to the bucket.
//   node input.mjs <chip label> <line> <debounce ms> [user id]
import { createOnoffLines } from '/opt/app/dist/adapters/onoff-input.js'
import { systemClock } from '/opt/app/dist/adapters/system-clock.js'
import { systemRandom } from '/opt/app/dist/adapters/system-random.js'
import { createLogger } from '/opt/app/dist/base/log.js'
import { createInput } from '/opt/app/dist/capture/input-loop.js'

const [chip, line, debounceMs, user] = process.argv.slice(2)
if (user !== undefined) process.setuid(Number(user))
const say = (text) => process.stdout.write(`${text}\n`)
const input = createInput(
  {
    lines: createOnoffLines({ clock: systemClock }),
    clock: systemClock,
    wallTime: { at: () => undefined },
    random: systemRandom,
    log: createLogger({ sink: { write: (text) => say(`LOG ${text}`) }, clock: systemClock }),
    beat: { turned() {} },
    write: (text) => say(`EVENT ${text}`),
    protect: () => {},
  },
  {
    name: 'pir',
    chip,
    line: Number(line),
    kind: 'motion',
    activeLow: false,
    debounceMs: Number(debounceMs),
    cameras: ['gate'],
    bootCounter: 1,
  },
)
const stop = new AbortController()
process.once('SIGTERM', () => stop.abort())
const done = input.run(stop.signal)
// After its first look the state is known, or the problem is.
const wait = setInterval(() => {
  const status = input.status()
  if (status.active === null && status.problem === null) return
  clearInterval(wait)
  say(`STATUS ${JSON.stringify(status)}`)
}, 50)
await done
clearInterval(wait)
say('STOPPED')
process.exit(0)

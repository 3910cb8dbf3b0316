/**
 * Loaded before a program (`node --import`): its wall clock is off by as many ms as the file in STEPPED_WALL says, read at
 * the start and again on SIGUSR2. As a step by NTP or a person: every Date of the process, those of packages too, and
 * nothing else. Timers and the monotonic clock go on.
 */
import { readFileSync } from 'node:fs'

const True = Date
let offsetMs = 0
const now = () => True.now() + offsetMs
const read = () => {
  offsetMs = Number(readFileSync(process.env.STEPPED_WALL, 'utf8'))
}
read()
process.on('SIGUSR2', read)

globalThis.Date = new Proxy(True, {
  construct: (target, args, made) => Reflect.construct(target, args.length === 0 ? [now()] : args, made),
  apply: () => new True(now()).toString(),
  get: (target, name) => (name === 'now' ? now : Reflect.get(target, name)),
})

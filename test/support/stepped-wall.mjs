/**
 * Loaded before a program (`node --import 'stepped-wall.mjs?FILE'`): its wall clock is off by as many ms as that file says,
 * read at the start and again on SIGUSR2. As a step by NTP or a person: every Date of the process, those of packages too, and
 * nothing else. Timers and the monotonic clock go on.
 */
import { readFileSync } from 'node:fs'

const file = decodeURIComponent(new URL(import.meta.url).search.slice(1))
const True = Date
let offsetMs = 0
const now = () => True.now() + offsetMs
const read = () => {
  offsetMs = Number(readFileSync(file, 'utf8'))
}
read()
process.on('SIGUSR2', read)

globalThis.Date = new Proxy(True, {
  construct: (target, args, made) => Reflect.construct(target, args.length === 0 ? [now()] : args, made),
  apply: () => new True(now()).toString(),
  get: (target, name) => (name === 'now' ? now : Reflect.get(target, name)),
})

/**
 * Loaded before the recorder (`node --import 'hanging-disk.mjs?FOLDER'`): while the file FOLDER/hang is there, every sync
 * of a file and every write of LevelDB hangs in the thread pool as on a dead disk: each opens a FIFO that nobody reads,
 * which holds a real thread until somebody does. With FOLDER/hang holding a number, so many more calls hang at once.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'

const folder = decodeURIComponent(new URL(import.meta.url).search.slice(1))
const flag = join(folder, 'hang')
const pipes = mkdtempSync(join(folder, 'pipes-'))
let made = 0
let more = 0

/** Never comes back. */
function hang() {
  made += 1
  const pipe = join(pipes, String(made))
  execFileSync('mkfifo', [pipe])
  return open(pipe, 'w')
}
const hangs = () => existsSync(flag)

setInterval(() => {
  const wanted = hangs() ? Number(readFileSync(flag, 'utf8')) : 0
  for (; more < wanted; more += 1) void hang()
}, 100).unref()

const handle = await open(flag.replace(/hang$/, 'watchpost.yaml'), 'r')
const files = Object.getPrototypeOf(handle)
await handle.close()
for (const name of ['datasync', 'sync']) {
  const real = files[name]
  files[name] = function (...args) {
    return hangs() ? hang() : real.apply(this, args)
  }
}
const { ClassicLevel } = createRequire(join(process.cwd(), 'package.json'))('classic-level')
for (const name of ['_batch', '_get', '_close']) {
  const real = ClassicLevel.prototype[name]
  ClassicLevel.prototype[name] = function (...args) {
    return hangs() ? hang() : real.apply(this, args)
  }
}

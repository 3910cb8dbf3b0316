/**
 * Where is our source as JavaScript, so that a test can start it as a process of its own and kill it?
 *
 * Node 20 runs no TypeScript, and `dist/` belongs to the person who built it, so tests compile for themselves. A build is
 * named after the content it was made from and put in place by one rename: whoever holds a path keeps a build that never
 * changes, however many tests and editors are at work. Type errors are not this helper's business (`npm run check` names
 * them): tsc emits regardless, and a half-written file elsewhere must not stop other tests.
 */
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { access, cp, mkdir, open, readdir, readFile, rename, rm, stat, unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))
const cache = join(root, 'node_modules/.cache/watchpost-test')
/** A build takes about 3 s here and 30 s on a slow board; a lock older than this was left by a killed test. */
const lockAgeMsMax = 120_000
/** Builds this old belong to no running test: the longest tier takes under an hour. */
const buildAgeMsMax = 2 * 3600_000

let current: Promise<string> | undefined

/**
 * A folder laid out like `dist/`: `join(await compiledSrc(), 'cli.js')` is the command, its parent holds `package.json`.
 * Compiles at most once per content of `src`; a test process asks once and keeps its answer.
 */
export function compiledSrc(): Promise<string> {
  current ??= findOrBuild()
  return current
}

async function findOrBuild(): Promise<string> {
  await mkdir(cache, { recursive: true })
  const askedMs = Date.now()
  const wanted = join(cache, await fingerprint(), 'dist')
  if (await exists(wanted)) return wanted
  for (;;) {
    const release = await lock(join(cache, 'lock'))
    // What we meant, or a build begun after we asked, which holds it too; what was edited since is for whoever asks next.
    const fresh = (await newestBuild(askedMs)) ?? ((await exists(wanted)) ? wanted : undefined)
    if (fresh !== undefined) {
      await release?.()
      return fresh
    }
    if (release === undefined) await sleep(200)
    else return await build().finally(release)
  }
}

/** Called under the lock. Sources edited meanwhile make a second attempt; that one is kept, for somebody is typing. */
async function build(): Promise<string> {
  await prune()
  for (let attempt = 1; ; attempt += 1) {
    const begunMs = Date.now()
    const before = await fingerprint()
    const done = join(cache, before, 'dist')
    if (await exists(done)) return done
    const draft = join(cache, `draft-${process.pid}-${attempt}`)
    await mkdir(draft, { recursive: true })
    await tsc(join(draft, 'dist'))
    await cp(join(root, 'package.json'), join(draft, 'package.json'))
    if (await exists(join(root, 'src/viewer/page'))) {
      await cp(join(root, 'src/viewer/page'), join(draft, 'dist/viewer/page'), { recursive: true })
    }
    const pure = (await fingerprint()) === before
    if (!pure && attempt < 2) {
      await rm(draft, { recursive: true, force: true })
      continue
    }
    const name = pure ? before : `mixed-${before}-${process.pid}`
    // Another process may have taken a stale lock and been faster; its build has the same content.
    await rename(draft, join(cache, name)).catch(() => rm(draft, { recursive: true, force: true }))
    await writeFile(join(cache, 'newest.tmp'), JSON.stringify({ name, begunMs }))
    await rename(join(cache, 'newest.tmp'), join(cache, 'newest.json'))
    return join(cache, name, 'dist')
  }
}

/** The last build, if it was begun after `sinceMs`. */
async function newestBuild(sinceMs: number): Promise<string | undefined> {
  const text = await readFile(join(cache, 'newest.json'), 'utf8').catch(() => '{}')
  const { name, begunMs } = JSON.parse(text) as { name?: string; begunMs?: number }
  if (name === undefined || begunMs === undefined || begunMs < sinceMs) return undefined
  const path = join(cache, name, 'dist')
  return (await exists(path)) ? path : undefined
}

function tsc(outDir: string): Promise<void> {
  const program = join(root, 'node_modules/typescript/bin/tsc')
  const child = spawn(process.execPath, [program, '-p', 'src', '--outDir', outDir, '--noEmitOnError', 'false'], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  child.stdout.resume()
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', async () => {
      if (await exists(outDir)) resolve()
      else reject(new Error('tsc wrote nothing: run `npx tsc -p src --noEmit` to see why'))
    })
  })
}

async function fingerprint(): Promise<string> {
  const hash = createHash('sha256')
  const names = await readdir(join(root, 'src'), { recursive: true, withFileTypes: true })
  const paths = names.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
  for (const path of [...paths.sort(), join(root, 'tsconfig.json'), join(root, 'package.json')]) {
    // A file that vanishes while we read is a different content: the next look sees it.
    hash.update(path).update(await readFile(path).catch(() => ''))
  }
  return hash.digest('hex').slice(0, 32)
}

/** Takes the lock and returns how to let go, or undefined when somebody alive has it. */
async function lock(path: string): Promise<(() => Promise<void>) | undefined> {
  try {
    const file = await open(path, 'wx')
    await file.writeFile(String(process.pid))
    await file.close()
    return () => unlink(path).catch(() => undefined)
  } catch {
    const [owner, age] = await Promise.all([readFile(path, 'utf8').catch(() => ''), ageMs(path)])
    if (age > lockAgeMsMax || (owner !== '' && !isAlive(Number(owner)))) await unlink(path).catch(() => undefined)
    return undefined
  }
}

async function prune(): Promise<void> {
  for (const name of await readdir(cache)) {
    const path = join(cache, name)
    if (!name.startsWith('lock') && !name.startsWith('newest') && (await ageMs(path)) > buildAgeMsMax)
      await rm(path, { recursive: true, force: true })
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

const ageMs = (path: string): Promise<number> =>
  stat(path).then(
    (found) => Date.now() - found.mtimeMs,
    () => 0,
  )

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  )

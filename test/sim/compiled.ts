/** The simulator as JavaScript in a folder of the caller's own, so that a test may run it, or spoil it and run it. */
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)
const root = fileURLToPath(new URL('../..', import.meta.url))
/** Below `node_modules`, where the packages that it needs are found. */
const cache = join(root, 'node_modules/.cache')

export interface Ran {
  readonly code: number
  readonly text: string
}

export interface CompiledSim {
  readonly folder: string
  run(...options: readonly string[]): Promise<Ran>
  remove(): Promise<void>
}

/** Type errors are not this helper's business: tsc emits regardless, and half a file elsewhere must not stop a test. */
export async function compileSim(): Promise<CompiledSim> {
  await mkdir(cache, { recursive: true })
  const folder = await mkdtemp(join(cache, 'watchpost-sim-'))
  const tsc = join(root, 'node_modules/typescript/bin/tsc')
  await run(process.execPath, [tsc, '-p', join(root, 'test/sim'), '--outDir', folder], { cwd: root }).catch(() => {})
  return compiledIn(folder)
}

export function compiledIn(folder: string): CompiledSim {
  return {
    folder,
    async run(...options) {
      const main = join(folder, 'test/sim/main.js')
      const how = { cwd: root, maxBuffer: 64 * 1024 * 1024 }
      try {
        const { stdout } = await run(process.execPath, [main, ...options], how)
        return { code: 0, text: stdout }
      } catch (error) {
        const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string }
        return { code, text: `${stdout}${stderr}` }
      }
    },
    remove: () => rm(folder, { recursive: true, force: true }),
  }
}

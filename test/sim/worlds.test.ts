/** The simulator as `npm run sim` runs it, in small: worlds that are known to be survived must go on being survived. */
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

const root = join(import.meta.dirname, '../..')
const seeds = 200
const first = process.env.SEED ?? '1'

test(`the recorder survives ${seeds} simulated worlds (from SEED=${first})`, { timeout: 300_000 }, async () => {
  const args = ['scripts/compiled.mjs', 'sim', '--seeds', String(seeds), '--seed', first, '--jobs', '2']
  const ran = await promisify(execFile)(process.execPath, args, { cwd: root, maxBuffer: 64 << 20 }).then(
    ({ stdout }) => ({ code: 0, stdout }),
    (error: { code?: number; stdout?: string }) => ({ code: error.code ?? -1, stdout: error.stdout ?? '' }),
  )
  expect({ code: ran.code, words: ran.code === 0 ? '' : ran.stdout.slice(-6_000) }).toEqual({ code: 0, words: '' })
  expect(ran.stdout).toContain(`seeds ${first} to ${Number(first) + seeds - 1}`)
})

/**
 * Twenty seconds of what `npm run chaos` does for ten minutes. Which kinds of trouble come is the seed's choice; all of
 * them come within a few runs.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { compiledSrc } from '../support/run-ts.ts'
import { eventKinds } from './events.ts'
import { runChaos } from './run-chaos.ts'
import { tableOf } from './table.ts'

const seed = Number(process.env.SEED ?? Date.now() % 1_000_000)
const lengthMs = 20_000

test(`20 s of chaos cost nothing but what a kill may (SEED=${seed})`, async () => {
  const directory = await mkdtemp(join(tmpdir(), 'watchpost-chaos-'))
  const lines: string[] = []
  const say = (text: string): void => void lines.push(text)
  const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))))
  const cli = join(await compiledSrc(), 'cli.js')
  const { signal } = new AbortController()
  const result = await runChaos({ seed, lengthMs, directory, cli, root, signal, say })
  const story = `${lines.join('\n')}\n${tableOf(result)}`
  const known = new Set(eventKinds.map(({ name }) => name))
  const happened = [...result.happened.keys()]
  process.stdout.write(`chaos, seed ${seed}: ${happened.join(', ')}\n`)
  expect(result.findings, `${story}\nkept in ${directory}`).toEqual([])
  expect(happened.every((name) => known.has(name))).toBe(true)
  expect(happened.length).toBeGreaterThanOrEqual(4)
  await rm(directory, { recursive: true, force: true })
}, 240_000)

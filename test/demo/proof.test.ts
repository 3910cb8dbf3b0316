import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { type FrameRun, proveFrames, proveUnits, type StoredObject } from '../../src/demo/proof.ts'

const frames = (from: number, count: number): string[] => Array.from({ length: count }, (_, i) => `frame ${from + i}`)
const run = (name: string, all: string[], killed = false): FrameRun => ({ name, killed, frames: all })
const kinds = (stored: string[], runs: FrameRun[]): string[] =>
  proveFrames(stored, runs, 250).findings.map(({ kind }) => kind)

test('frames that are all there, in order, are no finding', () => {
  expect(proveFrames(frames(0, 90), [run('a', frames(0, 40)), run('b', frames(40, 50))], 250)).toEqual({
    frames: 90,
    findings: [],
  })
})

test.each([
  [
    'a missing frame in the middle',
    [...frames(0, 20), ...frames(21, 60)],
    [run('a', frames(0, 81))],
    ['lost', 'different'],
  ],
  ['a missing end without a kill', frames(0, 60), [run('a', frames(0, 81))], ['lost']],
  ['a missing end after a kill', frames(0, 60), [run('a', frames(0, 81), true)], ['interrupted']],
  ['more than a kill can take', frames(0, 60), [run('a', frames(0, 400), true)], ['lost']],
  ['a run that is missing as a whole', frames(0, 60), [run('a', frames(0, 60)), run('b', frames(60, 251))], ['lost']],
  ['a run that never began', frames(0, 60), [run('a', frames(0, 60)), run('b', frames(60, 20))], ['interrupted']],
  ['a frame twice', [...frames(0, 10), ...frames(9, 20)], [run('a', frames(0, 29))], ['lost', 'different']],
  ['a foreign frame at the end', [...frames(0, 10), 'x'], [run('a', frames(0, 10))], ['different']],
])('%s is named', (_what, stored, runs, expected) => {
  expect(kinds(stored, runs)).toEqual(expected)
})

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')
const unitBytes = (n: number): Buffer => Buffer.alloc(100 + n, n)
const witnessed = (life: string, n: number) => ({ life, length: 100 + n, sha256: sha256(unitBytes(n)) })
const object = (bytes: Buffer): StoredObject => ({
  key: 'o.ts',
  length: bytes.length,
  sha256Of: async (start, end) => sha256(bytes.subarray(start, end)),
})
const units = [witnessed('1', 1), witnessed('1', 2), witnessed('1', 3), witnessed('2', 4)]

test.each([
  ['everything', [1, 2, 3, 4], false, []],
  ['a lost unit in the middle', [1, 3, 4], true, ['lost']],
  ['the end of a killed life', [1, 2, 4], true, ['interrupted']],
  ['the end of a life that stopped in order', [1, 2, 4], false, ['lost']],
  ['a unit twice', [1, 2, 2, 3, 4], false, ['duplicated']],
] as const)('units: %s', async (_what, stored, killed, expected) => {
  const lives = [
    { life: '1', stoppedInOrder: !killed },
    { life: '2', stoppedInOrder: true },
  ]
  const proof = await proveUnits([object(Buffer.concat(stored.map(unitBytes)))], units, lives)
  expect(proof.findings.map(({ kind }) => kind)).toEqual(expected)
})

test('units: one changed byte is found, with its place', async () => {
  const bytes = Buffer.concat([1, 2, 3, 4].map(unitBytes))
  bytes[150] = (bytes[150] ?? 0) ^ 1
  const proof = await proveUnits([object(bytes)], units, [])
  expect(proof.findings[0]).toMatchObject({ kind: 'different', sentence: expect.stringContaining('from byte 101 on') })
})

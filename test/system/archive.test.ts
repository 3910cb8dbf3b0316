/**
 * What a recorder leaves behind that was killed again and again: an object a life, and an archive that the reading commands
 * and a stranger's player find whole.
 */
import { open } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { frameHashes } from '../../src/demo/ffmpeg-frames.ts'
import { badFindings, createRig, type Rig, rigCamera } from '../support/rig.ts'
import { surviveKills } from './kills.ts'
import { hashesThroughPlaylist, keyframes, shownFrames, startView } from './players.ts'
import { rollOver } from './roll-over.ts'

const seed = Number(process.env.SEED ?? Date.now() % 1_000_000)
const kills = 8

let rig: Rig
/** The longest object. */
let footage: { readonly key: string; readonly bytes: Buffer }

beforeAll(async () => {
  rig = await createRig()
  await surviveKills(rig, kills, seed)
  const [longest] = (await rig.videos('ts')).sort((one, other) => other.bytes.length - one.bytes.length)
  if (longest === undefined) throw new Error('there is no object')
  footage = longest
  await rollOver(rig, (await rig.videos('ts')).at(-1) ?? longest)
  expect(await rig.stop()).toBe(0)
}, 180_000)
afterAll(() => rig?.close())

describe(`after ${kills} kills at any moment (SEED=${seed})`, () => {
  test('the objects hold what the camera sent, but for what a kill interrupted', async () => {
    const proof = await rig.prove()
    expect(badFindings(proof)).toEqual([])
    expect(proof.objects.length).toBeGreaterThan(kills / 2)
    expect(proof.objects.length).toBeLessThanOrEqual(kills + 4)
    const errors = (await rig.log()).split('\n').filter((line) => line.includes('"level":"error"'))
    expect(errors.filter((line) => !/footage-lost.*"cause":"power"/.test(line))).toEqual([])
  })

  test('watchpost list shows the recordings and the gap, with its cause', async () => {
    const { code, out, problem } = await rig.command('list', rigCamera)
    expect({ code, problem }).toEqual({ code: 0, problem: '' })
    expect(out).toContain(footage.key)
    expect(out).toMatch(/GAP +power: The recorder or its power ended/)
    expect(out).toMatch(/complete/)
  })

  test('watchpost tail gives exactly the bytes of the object', async () => {
    const tailed = await rig.command('tail', footage.key, '--from', 'start', '--no-follow')
    expect({ code: tailed.code, problem: tailed.problem }).toEqual({ code: 0, problem: '' })
    expect(tailed.bytes.equals(footage.bytes)).toBe(true)
    const both = await rig.command('tail', rigCamera, '--from', 'start', '--no-follow')
    expect(both.code).toBe(0)
    const stored = await rig.videos('ts')
    expect(both.bytes.equals(Buffer.concat(stored.map(({ bytes }) => bytes)))).toBe(true)
  })

  test('ffmpeg plays the playlist to its end: every frame of the object, in order', async () => {
    const view = await startView(rig)
    try {
      const playlist = footage.key.replace(/\.ts$/, '.m3u8')
      const played = await hashesThroughPlaylist(`${view.address}objects/${playlist}`)
      expect(played).toEqual(await frameHashes(objectPath()))
      expect(played.length).toBeGreaterThan(15)
    } finally {
      await view.close()
    }
  })

  test('the raw object alone seeks: what is asked for is what is shown', async () => {
    const all = await shownFrames(objectPath())
    const keys = await keyframes(objectPath())
    const first = all[0]?.pts ?? 0
    // Near both ends and in the middle, with restarts between: always a keyframe, since ffmpeg goes to the next one.
    for (const part of [0.1, 0.3, 0.5, 0.7, 0.9]) {
      const pts = keys[Math.floor(keys.length * part)]
      if (pts === undefined) throw new Error('there is no keyframe')
      const [shown] = await shownFrames(objectPath(), (pts - first) / 90_000, 1)
      expect(shown).toEqual(all.find((frame) => frame.pts === pts))
    }
  })

  test('watchpost verify finds the archive whole, and one flipped byte in it', async () => {
    const whole = await rig.command('verify', '--no-decode')
    expect(whole.out).toMatch(/verified: .* CRC-64 equal, \d+ gaps?, each with its cause/)
    expect({ code: whole.code, problem: whole.problem }).toEqual({ code: 0, problem: '' })
    await flip(objectPath(), Math.floor(footage.bytes.length / 2))
    const flipped = await rig.command('verify', '--no-decode')
    expect(flipped.code).toBe(10)
    expect(flipped.out).toMatch(/NOT verified/)
    expect(flipped.out).toContain(`FOUND  ${footage.key}`)
    expect(flipped.out).toMatch(/checksum: /)
  })
})

function objectPath(): string {
  const path = rig.server.objectPath(footage.key)
  if (path === undefined) throw new Error(`${footage.key} is not there`)
  return path
}

async function flip(path: string, at: number): Promise<void> {
  const file = await open(path, 'r+')
  try {
    const byte = Buffer.alloc(1)
    await file.read(byte, 0, 1, at)
    await file.write(Buffer.from([(byte[0] ?? 0) ^ 0xff]), 0, 1, at)
  } finally {
    await file.close()
  }
}

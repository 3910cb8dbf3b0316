import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { Fault } from '../../src/oss-server/faults.ts'
import type { ClipUnit } from '../support/clip.ts'
import { createMemoryStore } from '../support/memory-store.ts'
import { type StandIn, startStandIn } from '../support/stand-in.ts'
import { clip, expectDelivered, haul } from './haul.ts'
import { drainAll, key, nextLife, playlistKey } from './killed.ts'
import { expectFrugal, type LossCount, lossyHaul, lossyPatience } from './lossy.ts'
import { mixture } from './mixture.ts'

/** Silence is noticed after this long in these tests. */
const patience = { answerMs: 250, bytesPerS: 10e6 }

let units: readonly ClipUnit[]
let standIn: StandIn | undefined
beforeAll(async () => {
  units = await clip()
})
afterEach(async () => {
  await standIn?.close()
  standIn = undefined
})

describe('the uplink, over HTTP through the real ali-oss', () => {
  test('delivers all tracks, each once, in order, with playlists and catalogue', async () => {
    standIn = await startStandIn()
    const hauled = await haul({ store: standIn.store, seed: 1, units, rollEvery: 5 })
    expectDelivered(hauled, standIn.bytesOf)
    expect(standIn.server.stats().appendsPerKeyMax).toBe(1)
    expect(hauled.uplink.status()).toMatchObject({ state: 'idle', problem: null, failures: 0, resyncs: 0 })
    const [object] = standIn.server.objects().filter(({ key }) => key.endsWith('.ts'))
    expect(object?.creation.headers).toMatchObject({ 'content-type': 'video/mp2t' })
    expect(JSON.stringify(object?.creation)).toContain('cam0')
  })

  const harmless: readonly Fault[] = [
    { kind: 'refuse' },
    { kind: 'drop-before-commit' },
    { kind: 'commit-then-drop' },
    { kind: 'commit-after-gone' },
    { kind: 'commit-late', delayMs: 60 },
    { kind: 'slow-reply', delayMs: 120 },
    { kind: 'half-open', ms: 100 },
    { kind: 'slow-drain', bytesPerS: 60_000 },
    { kind: 'wrong-crc' },
    { kind: 'wrong-next-position', on: 'append' },
    { kind: 'error', status: 500 },
    { kind: 'error', status: 503, qosDelayMs: 200 },
    { kind: 'error', status: 400, code: 'InvalidDigest' },
    { kind: 'error', status: 400, code: 'RequestTimeout' },
    { kind: 'html', status: 200 },
    { kind: 'html', status: 404 },
    { kind: 'html', status: 302 },
    { kind: 'token-expired' },
    { kind: 'no-such-bucket' },
    { kind: 'skewed', offsetMs: 3_600_000 },
    { kind: 'skewed', offsetMs: 3_600_000, date1970: true },
  ]
  test.each(harmless.map((fault) => [JSON.stringify(fault), fault] as const))('survives %s', async (_name, fault) => {
    standIn = await startStandIn({}, { patience })
    // Three times, now and then, each on whatever comes next.
    standIn.server.faults.add(...[2, 5, 11].map((skip) => ({ ...fault, skip, count: 1 })))
    const hauled = await haul({ store: standIn.store, seed: 2, units, restarts: 1 })
    expectDelivered(hauled, standIn.bytesOf)
    expect(standIn.server.stats().faults[fault.kind]).toBe(3)
  })

  const meddling: readonly Fault[] = [
    { kind: 'foreign-append', on: 'append', key: '.ts' },
    { kind: 'delete-before', on: 'append', key: '.ts' },
    { kind: 'replace-before', on: 'append', key: '.ts' },
    { kind: 'foreign-append', on: 'append', key: '.m3u8' },
    { kind: 'delete-before', on: 'append', key: '.m3u8' },
    { kind: 'error', on: 'append', key: '.ts', status: 400, code: 'EntityTooLarge' },
  ]
  test.each(meddling.map((fault) => [JSON.stringify(fault), fault] as const))(
    'goes on after %s',
    async (_name, fault) => {
      standIn = await startStandIn({}, { patience })
      standIn.server.faults.add({ ...fault, skip: 2, count: 1 })
      const hauled = await haul({ store: standIn.store, seed: 3, units })
      expectDelivered(hauled, standIn.bytesOf, 'some')
      expect(standIn.server.stats().faults[fault.kind]).toBe(1)
    },
  )

  test('a size limit of the store makes new objects and loses nothing', async () => {
    standIn = await startStandIn({ sizeLimitBytes: 200_000 }, { patience })
    const long = [...units, ...units, ...units]
    const hauled = await haul({
      store: standIn.store,
      seed: 4,
      units: long,
      cameras: 1,
      world: { bytesPerSMax: 32_000 },
    })
    expect(hauled.backlog.cuts.length).toBeGreaterThan(0)
    expectDelivered(hauled, standIn.bytesOf, 'some')
    const all = hauled.backlog.kept.filter((one) => one.head.id.track === 'video/cam0')
    const objects = all.map((one) => standIn?.bytesOf(one.claim?.key ?? '') ?? Buffer.alloc(0))
    expect(Buffer.concat(objects).equals(Buffer.concat(long.map((unit) => unit.bytes)))).toBe(true)
  })

  test('a cut network is waited out, and said', async () => {
    standIn = await startStandIn({}, { patience })
    const { server } = standIn
    const hauled = await haul({
      store: standIn.store,
      seed: 5,
      units,
      meanwhile: async (step) => {
        if (step === 4) server.setOffline(true)
        if (step === 8) server.setOffline(false)
      },
    })
    expectDelivered(hauled, standIn.bytesOf)
    expect(hauled.uplink.status().failures).toBeGreaterThan(0)
  })

  test('with 5 % of requests and 5 % of replies lost, nothing is sent twice, and each loss costs one question', async () => {
    const counts: LossCount[] = []
    const long = await clip(40)
    const seed = Number(process.env.SEED ?? 1)
    for (let n = seed; n < seed + 4; n += 1) {
      standIn = await startStandIn({}, { patience: lossyPatience })
      counts.push(await lossyHaul(standIn, n, { units: long, share: 0.05 }))
      await standIn.close()
    }
    expectFrugal(counts)
  })

  test('after a kill the tail is read back, adopted and published, over a link that loses one call in ten', async () => {
    for (let n = 0; n < 8; n += 1) {
      standIn = await startStandIn({}, { patience })
      const { server, store, bytesOf } = standIn
      const held = createMemoryStore()
      const [stored, known] = [3 + (n % 5), n % 2]
      const life = nextLife(held, { units, stored, known, pending: [known + 1, known + 2] })
      const body = held.objects.get(key)?.bytes ?? Buffer.alloc(0)
      const creation = { contentType: 'video/mp2t', headers: {} }
      await store.append({ key, position: 0, body, creation }, new AbortController().signal)
      server.faults.add(
        { kind: 'refuse', probability: 0.05, seed: n + 1 },
        { kind: 'commit-then-drop', probability: 0.05, seed: n + 100 },
      )
      await drainAll(store, life.backlog)
      expect(Buffer.compare(bytesOf(key), body)).toBe(0)
      expect(life.backlog.settled).toMatchObject([{ arrived: { length: body.length } }])
      expect(
        bytesOf(playlistKey)
          .toString()
          .match(/#EXTINF/g)?.length,
      ).toBe(stored)
      expect(server.stats().bytesAgain).toBe(0)
      await standIn.close()
    }
  })

  const firstSeed = Number(process.env.SEED ?? 1000)
  const seeds = Array.from({ length: process.env.SEED === undefined ? 24 : 1 }, (_, index) => firstSeed + index)
  test.each(seeds)('mixture %i of faults and restarts', async (seed) => {
    standIn = await startStandIn({}, { patience: { ...patience, answerMs: 80 } })
    await mixture(standIn, seed, units)
  })
})

import { describe, expect, test } from 'vitest'
import type { StoreErrorKind } from '../../src/uplink/object-store.ts'
import { storeErrorRules } from '../../src/uplink/store-errors.ts'
import { createMemoryStore, type StoreFault } from '../support/memory-store.ts'
import { clip, expectDelivered, haul } from './haul.ts'

const units = await clip(4)

describe('the uplink', () => {
  const harmless: readonly StoreFault[] = ['lost', 'reply lost', 'wrong reply', 'busy', 'impostor', 'damaged', 'denied']

  test.each(harmless)('delivers everything when any one call is %s', async (fault) => {
    // The n-th call fails, for n = 0, 1, 2 … until a run has fewer calls than that.
    for (let n = 0; ; n += 1) {
      const store = createMemoryStore()
      let met = false
      store.fate = (call, _key, what) => {
        // A checksum that is wrong twice in a row is a foreign object; once it is noise.
        if (call !== n || (fault === 'wrong reply' && what !== 'append')) return undefined
        met = true
        return fault
      }
      const hauled = await haul({ store, seed: n, units: units.slice(0, 2), cameras: 1 })
      expectDelivered(hauled, (key) => store.objects.get(key)?.bytes ?? Buffer.alloc(0))
      expect(store.togetherMax()).toBe(1)
      if (n > store.calls()) break
      if (fault !== 'wrong reply') expect(met || n === store.calls()).toBe(true)
    }
  })

  test('a bucket that takes no append object is not tried as fast as we can', async () => {
    const store = createMemoryStore()
    let refusals = 0
    store.fate = (_call, key, what) => {
      if (what !== 'append' || !key.endsWith('.ts') || refusals >= 12) return undefined
      refusals += 1
      return 'not-appendable'
    }
    const hauled = await haul({ store, seed: 1, units, cameras: 1 })
    expect(hauled.backlog.cuts.length).toBe(12)
    expectDelivered(hauled, (key) => store.objects.get(key)?.bytes ?? Buffer.alloc(0), 'some')
  })

  test('a refusal that needs a person is said once, with what to do, and gone when mended', async () => {
    const store = createMemoryStore()
    let refused = 0
    store.fate = (_call, key) => {
      if (!key.includes('/events/') || refused >= 3) return undefined
      refused += 1
      return 'denied'
    }
    const said: string[] = []
    const log = {
      debug() {},
      info() {},
      warn() {},
      error: (_event: string, text: string) => said.push(text),
      with: () => log,
    }
    const hauled = await haul({ store, seed: 2, units: [...units, ...units], cameras: 1, world: { log } })
    expectDelivered(hauled, (key) => store.objects.get(key)?.bytes ?? Buffer.alloc(0))
    expect(said.length).toBe(1)
    expect(said[0]).toContain(storeErrorRules.denied.does)
    expect(hauled.uplink.status()).toMatchObject({ state: 'idle', problem: null })
  })

  test('after a long outage live footage is cut, once a camera, after a short one it is not', async () => {
    for (const [outageMs, cuts] of [
      [600_000, ['video/cam0', 'video/cam1']],
      [5_000, []],
    ] as const) {
      const store = createMemoryStore()
      const cut: string[] = []
      let now = 0
      let down = false
      const clock = {
        wall: () => 0 as never,
        mono: () => now as never,
        async sleep(ms: number, signal?: AbortSignal) {
          if (signal?.aborted !== true) await new Promise((resolve) => setTimeout(resolve, 1))
          now += Math.min(ms, 1_000)
        },
      }
      store.fate = () => (down ? 'lost' : undefined)
      await haul({
        store,
        seed: 3,
        units: [...units, ...units],
        world: { clock, cutLive: (track) => void cut.push(track) },
        async meanwhile(step) {
          await new Promise((resolve) => setTimeout(resolve, 20))
          if (step === 2) down = true
          if (step === 4) {
            now += outageMs
            down = false
          }
        },
      })
      expect(cut.toSorted()).toEqual(cuts)
    }
  })

  test('has a rule for every kind of error, and each sentence is one', () => {
    const kinds = Object.keys(storeErrorRules) as StoreErrorKind[]
    expect(kinds.length).toBe(12)
    for (const kind of kinds) {
      const { wait, does, needsPerson } = storeErrorRules[kind]
      expect(wait.floorMs <= wait.firstMs && wait.firstMs <= wait.capMs).toBe(true)
      expect(does).toMatch(/^[A-Z].*\.$/)
      if (needsPerson) expect(wait.floorMs).toBeGreaterThanOrEqual(5_000)
    }
  })
})

/** The simulated card and bucket promise what the real ones promise: the same lists, run on both. */
import { describe } from 'vitest'
import { createTimeCorrection } from '../../src/uplink/time-correction.ts'
import { kvContract } from '../contract/kv-contract.ts'
import { objectStoreContract } from '../contract/object-store-contract.ts'
import { segmentDiskContract } from '../contract/segment-disk-contract.ts'
import { chanceOf } from './chance.ts'
import { createCoverage } from './coverage.ts'
import { createDevice } from './device.ts'
import { createDisk } from './disk.ts'
import { createKv } from './kv.ts'
import { createLedger } from './ledger.ts'
import { createLife } from './life.ts'
import { storeFor } from './network.ts'
import { createBucket } from './objects.ts'
import { createTime } from './time.ts'
import { createTrouble } from './trouble.ts'

function stage() {
  const time = createTime()
  const stop = time.flow()
  const chance = chanceOf(1, 'contract')
  const life = createLife(time, { id: 'boot', zeroAt: 0 }, { offsetMs: 0, driftPerMs: 0 }, 1)
  const tearDown = async (): Promise<void> => stop()
  return { time, chance, life, tearDown, device: createDevice(time, chance) }
}

describe('the simulated disk', () =>
  segmentDiskContract(async () => {
    const { device, chance, life, tearDown } = stage()
    return { disk: createDisk(device, chance, () => {}).diskFor(life), tearDown }
  }))

describe('the simulated database', () =>
  kvContract(async () => {
    const { device, chance, life, tearDown } = stage()
    return { store: createKv(device, chance, () => {}).storeFor(life), tearDown }
  }))

describe('the simulated store', () =>
  objectStoreContract(() => {
    const { time, chance, life } = stage()
    const network = {
      ...{ time, chance, bucket: createBucket(), trouble: createTrouble(time.now, chance), coverage: createCoverage() },
      ...{ ledger: createLedger(time.now, () => {}), link: { rttMs: 10, bytesPerS: 1e6 } },
      ...{ note: () => {}, hurts: new Map(), onAppend: undefined },
    }
    const mirror = { at: () => ({ state: 'unknown', doubt: false }) as const, answered: () => {} }
    return storeFor(network, { life, clock: createTimeCorrection(life.clock), mirror })
  }))

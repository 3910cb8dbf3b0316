import { afterAll, beforeAll, describe } from 'vitest'
import { createMemoryStore } from '../support/memory-store.ts'
import { type StandIn, startStandIn } from '../support/stand-in.ts'
import { objectStoreContract } from './object-store-contract.ts'

describe('the store in memory', () => objectStoreContract(createMemoryStore))

describe('ali-oss on the stand-in', () => {
  let standIn: StandIn
  beforeAll(async () => {
    standIn = await startStandIn()
  })
  afterAll(() => standIn.close())
  objectStoreContract(() => standIn.store)
})

/** A disk that refused and is well again says so, also when the network had taken everything from memory meanwhile. */
import { expect, test } from 'vitest'
import { crc64Combine } from '../../src/base/crc64.ts'
import { emptyExtent } from '../../src/format/recording.ts'
import { gate, unitAt, video } from '../buffer/footage.ts'
import { at, createStage, pass, pendingOf, videoHeld } from '../buffer/stage.ts'

test.each(['io', 'unwritable', 'full'] as const)('a disk that was %s', async (fault) => {
  const stage = createStage()
  const buffer = await stage.open()
  buffer.begin(gate, { startMonoMs: 50_000, video })
  const units = [0, 1, 2].map((n) => unitAt(50_000 + n * 1000, 300))
  stage.disk.fault = fault
  for (const unit of units) buffer.put(gate, unit)
  await pass(stage, 8_000)
  expect(buffer.status().problem).toContain(`the disk says ${fault}`)
  // The store takes all of it from memory: nothing is left to write.
  const id = at(videoHeld(buffer), 0)
  const pending = pendingOf(buffer, id)
  expect(pending.length).toBe(3)
  const arrived = pending.reduce(
    ({ length, crc64 }, chunk) => ({
      length: length + chunk.length,
      crc64: crc64Combine(crc64, chunk.crc64, chunk.length),
    }),
    emptyExtent,
  )
  await buffer.confirm(id, arrived, at(pending, -1).seq)
  await pass(stage, 30_000)
  expect(buffer.status().problem).toContain(`the disk says ${fault}`)
  stage.disk.fault = undefined
  await pass(stage, 25_000)
  expect(buffer.status().problem).toBe(null)
  expect(stage.logged.at(-1)?.event).toBe('disk-writes-again')
  const closed = buffer.close()
  await pass(stage, 3_000)
  await closed
  expect(stage.fatal).toEqual([])
})

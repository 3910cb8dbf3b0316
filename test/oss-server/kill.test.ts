import { appendFile, readFile, truncate } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import { startOssServer } from '../../src/oss-server/server.ts'
import { surviveKills } from './kill-loop.ts'
import { client, crc64ByTheBit, temporaryFolder } from './setup.ts'

const keys = { accessKeyId: 'LTAItest', accessKeySecret: 'secret' }

describe('the stand-in, killed', () => {
  test('has every append that it acknowledged, and nothing that it does not count', async () => {
    await surviveKills(4, Number(process.env.SEED ?? '1'))
  })

  test('refuses to start on a file that lost bytes, and cuts one that has too many', async () => {
    const dir = await temporaryFolder()
    const first = await startOssServer({ dir, bucket: 'footage', keys })
    await client(first).append('a', Buffer.from('abcdef'), { position: '0' })
    const path = first.objectPath('a') ?? ''
    await first.close()
    await appendFile(path, 'surplus')
    const second = await startOssServer({ dir, bucket: 'footage', keys })
    expect(await readFile(path, 'utf8')).toBe('abcdef')
    const answer = await client(second).append('a', Buffer.from('ghi'), { position: '6' })
    const crc64 = String(crc64ByTheBit(Buffer.from('abcdefghi')))
    expect((answer.res.headers as Record<string, string>)['x-oss-hash-crc64ecma']).toBe(crc64)
    await second.close()
    await truncate(path, 4)
    await expect(startOssServer({ dir, bucket: 'footage', keys })).rejects.toThrow('damaged')
  })
})

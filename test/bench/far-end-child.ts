/** Program of the far end: `sink`, or `bucket DIR [BYTES_PER_S]`. Says where it listens, ends when its parent lets go. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { crc64, crc64Text } from '../../src/base/crc64.ts'
import { startOssServer } from '../../src/oss-server/server.ts'
import type { FarEndAddress } from './far-end.ts'

const bucket = 'footage'
const [role, dir, bytesPerS] = process.argv.slice(2)

async function startSink(): Promise<FarEndAddress> {
  const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
    let bytes = 0
    let sum = 0n
    request.on('data', (piece: Buffer) => {
      bytes += piece.length
      // Any store sums what it takes before it says that it has it.
      sum = crc64(piece, sum)
    })
    request.on('end', () => {
      const position = Number(/[?&]position=(\d+)/.exec(request.url ?? '')?.[1] ?? 0)
      response.writeHead(200, {
        'x-oss-request-id': '5F0000000000000000000000',
        'x-oss-next-append-position': position + bytes,
        'x-oss-hash-crc64ecma': crc64Text(sum),
        'content-length': 0,
      })
      response.end()
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const keys = { accessKeyId: 'a', accessKeySecret: 'b' }
  return { port, url: `http://127.0.0.1:${port}`, bucket, region: 'cn-hangzhou', ...keys }
}

async function startBucket(directory: string): Promise<FarEndAddress> {
  const rate = bytesPerS === undefined ? {} : { bytesPerS: Number(bytesPerS) }
  const { port, url, region, keys } = await startOssServer({ dir: directory, bucket, ...rate })
  return { port, url, bucket, region, ...keys }
}

process.once('disconnect', () => process.exit(0))
process.send?.(role === 'bucket' && dir !== undefined ? await startBucket(dir) : await startSink())

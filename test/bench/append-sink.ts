/**
 * The least a store has to do: take the body and sum it (any store does, before it says that it has it). In a thread of its
 * own, for what is measured is the sender.
 */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { parentPort } from 'node:worker_threads'
import { crc64, crc64Text } from '../../src/base/crc64.ts'

const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
  let bytes = 0
  let sum = 0n
  request.on('data', (piece: Buffer) => {
    bytes += piece.length
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
server.listen(0, '127.0.0.1', () => parentPort?.postMessage((server.address() as AddressInfo).port))

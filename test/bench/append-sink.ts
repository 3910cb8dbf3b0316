/** The cheapest server that an append can succeed at, in a thread of its own: what is measured is the sender. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { parentPort } from 'node:worker_threads'

const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
  let bytes = 0
  request.on('data', (piece: Buffer) => {
    bytes += piece.length
  })
  request.on('end', () => {
    const position = Number(/[?&]position=(\d+)/.exec(request.url ?? '')?.[1] ?? 0)
    response.writeHead(200, {
      'x-oss-request-id': '5F0000000000000000000000',
      'x-oss-next-append-position': position + bytes,
      'x-oss-hash-crc64ecma': '0',
      'content-length': 0,
    })
    response.end()
  })
})
server.listen(0, '127.0.0.1', () => parentPort?.postMessage((server.address() as AddressInfo).port))

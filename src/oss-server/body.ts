/**
 * One request body, taken whole into memory before anything is decided, since OSS commits all of it or none.
 *
 * Checksums run while the bytes arrive, so that a large body costs no pause at its end.
 */
import { createHash } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { crc64 } from './crc64.ts'
import type { Link } from './link.ts'
import { refusals } from './refusal.ts'

/** One request's body. The recorder sends 4 MiB at most; a body beyond this is refused rather than swapped to disk. */
const bodyBytesMax = 512 * 1024 * 1024

export interface Body {
  readonly pieces: readonly Buffer[]
  readonly bytes: number
  /** Base64, when asked for. */
  readonly md5: string | undefined
  /** The checksum of what `before` covers followed by this body. */
  crc64After(before: bigint): bigint
}

export const noBody = bodyOf(Buffer.alloc(0))

export function bodyOf(bytes: Buffer): Body {
  return {
    pieces: bytes.length === 0 ? [] : [bytes],
    bytes: bytes.length,
    md5: createHash('md5').update(bytes).digest('base64'),
    crc64After: (before) => crc64(bytes, before),
  }
}

/**
 * Reads to the end of the body; rejects when the sender goes away before it.
 * @param how.expectedBefore the checksum the object has now: the running one continues it
 * @param how.links each piece crosses all of them, one after the other
 */
export async function readBody(
  request: IncomingMessage,
  how: { expectedBefore: bigint; wantMd5: boolean; links: readonly Link[] },
): Promise<Body> {
  const pieces: Buffer[] = []
  const md5 = how.wantMd5 ? createHash('md5') : undefined
  let bytes = 0
  let running = how.expectedBefore
  for await (const piece of request as AsyncIterable<Buffer>) {
    for (const link of how.links) await link.cross(piece.length, bytes === 0)
    bytes += piece.length
    if (bytes > bodyBytesMax) throw refusals.tooLarge(bodyBytesMax, bytes)
    running = crc64(piece, running)
    md5?.update(piece)
    pieces.push(piece)
  }
  return {
    pieces,
    bytes,
    md5: md5?.digest('base64'),
    crc64After: (before) =>
      before === how.expectedBefore ? running : pieces.reduce((crc, piece) => crc64(piece, crc), before),
  }
}

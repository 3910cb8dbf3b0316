/** Footage that stays in memory after it is on the disk, oldest out first, so that the uplink rarely reads the disk. */
import { type HeldChunk, isDurable } from './holding.ts'

export interface Recent {
  keep(chunks: Iterable<HeldChunk>): void
  drop(chunks: Iterable<HeldChunk>): void
}

export function createRecent(bytesMax: number): Recent {
  const kept = new Set<HeldChunk>()
  let bytes = 0

  function drop(chunks: Iterable<HeldChunk>): void {
    for (const held of chunks) {
      if (!kept.delete(held)) continue
      bytes -= held.chunk.length
      if (isDurable(held)) held.bytes = undefined
    }
  }

  return {
    drop,
    keep(chunks) {
      for (const held of chunks) {
        kept.add(held)
        bytes += held.chunk.length
      }
      for (const oldest of kept) {
        if (bytes <= bytesMax) return
        drop([oldest])
      }
    },
  }
}

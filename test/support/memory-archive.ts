/** An archive in memory for tests of readers: objects grow by `append`, links break by `down`, requests are counted. */
import { crc64 } from '../../src/base/crc64.ts'
import { err, ok, type Result } from '../../src/base/result.ts'
import type { Archive, ArchiveError, ArchiveListing, ArchiveObject } from '../../src/reader/archive.ts'

export interface MemoryArchive extends Archive {
  /** Bytes of each object. Replace them to damage one. */
  readonly objects: Map<string, Buffer>
  append(key: string, bytes: Uint8Array | string): void
  /** While true, nothing is answered. */
  down: boolean
  /** What the store says of an object instead of the truth. */
  readonly lies: Map<string, Partial<ArchiveObject>>
  /** Requests since the beginning, and bytes handed out. */
  readonly counts: { requests: number; bytes: number }
  /** Called before each answer, with what is asked. */
  onRequest: (what: string) => void
}

export function memoryArchive(): MemoryArchive {
  const objects = new Map<string, Buffer>()
  const lies = new Map<string, Partial<ArchiveObject>>()
  const counts = { requests: 0, bytes: 0 }

  function asked(what: string, signal: AbortSignal | undefined): ArchiveError | undefined {
    counts.requests += 1
    archive.onRequest(what)
    if (!archive.down && signal?.aborted !== true) return undefined
    return { kind: 'unanswered', message: 'The store does not answer.' }
  }

  const absent = (key: string): { readonly ok: false; readonly error: ArchiveError } =>
    err({ kind: 'absent', message: `There is no object ${key}.` })

  const archive: MemoryArchive = {
    objects,
    lies,
    counts,
    down: false,
    onRequest: () => {},
    append(key, bytes) {
      objects.set(key, Buffer.concat([objects.get(key) ?? Buffer.alloc(0), Buffer.from(bytes as Uint8Array)]))
    },
    async stat(key, signal): Promise<Result<ArchiveObject, ArchiveError>> {
      const problem = asked(`stat ${key}`, signal)
      if (problem !== undefined) return err(problem)
      const bytes = objects.get(key)
      if (bytes === undefined) return absent(key)
      return ok({ length: bytes.length, crc64: crc64(bytes), appendable: true, ...lies.get(key) })
    },
    async readRange(key, start, end, signal): Promise<Result<Uint8Array, ArchiveError>> {
      const problem = asked(`read ${key} ${start}-${end}`, signal)
      if (problem !== undefined) return err(problem)
      const bytes = objects.get(key)
      if (bytes === undefined) return absent(key)
      const part = Buffer.from(bytes.subarray(start, end))
      counts.bytes += part.length
      return ok(part)
    },
    async list(prefix, delimiter, signal): Promise<Result<ArchiveListing, ArchiveError>> {
      const problem = asked(`list ${prefix}`, signal)
      if (problem !== undefined) return err(problem)
      const found: { key: string; length: number }[] = []
      const folders = new Set<string>()
      for (const [key, { length }] of [...objects].sort(([a], [b]) => (a < b ? -1 : 1))) {
        if (!key.startsWith(prefix)) continue
        const cut = delimiter === '' ? -1 : key.indexOf(delimiter, prefix.length)
        if (cut === -1) found.push({ key, length })
        else folders.add(key.slice(0, cut + 1))
      }
      return ok({ objects: found, folders: [...folders] })
    },
  }
  return archive
}

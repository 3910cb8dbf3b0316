/**
 * Appends a file so that running it again continues. Two questions have to be answered from the store's length and
 * CRC-64 alone: where did the file begin in the object, and how much of it is there?
 *
 * Usually the file begins at byte 0: the object is a prefix of it, or it is refused. With `after`, the file follows what
 * the object held at first; that base is written down durably before the first byte is sent, else a run that was killed
 * could not tell its own bytes from those before, and would send them again.
 */
import { crc64, crc64Combine, crc64Text } from '../base/crc64.ts'
import { err, ok, type Result } from '../base/result.ts'
import { type Extent, emptyExtent } from '../format/recording.ts'
import { type AppendFailure, type AppendWorld, appendBytes, type ByteSource, endOf } from './append-bytes.ts'
import type { CreationHeaders } from './object-store.ts'

export interface FileBytes {
  /** When it was opened; what is added later belongs to the next run. */
  readonly length: number
  /** Exactly these bytes, or fewer at the end of a file that shrank. */
  read(start: number, length: number): Promise<Uint8Array>
}

/** The durable note of where the file begins. One note per file and key. */
export interface BaseNote {
  read(): Promise<Extent | undefined>
  /** Durable when it resolves. */
  write(base: Extent): Promise<void>
  remove(): Promise<void>
}

export interface FileOrder {
  readonly key: string
  readonly creation: CreationHeaders
  readonly file: FileBytes
  /** Where the file follows what the object holds; `undefined`: it begins at byte 0. */
  readonly after: BaseNote | undefined
}

export interface FileAppended {
  /** The whole object. */
  readonly extent: Extent
  /** Bytes of the file that were there before this run. */
  readonly before: number
  readonly sent: number
}

/** Not the same file, or another object: nothing is sent. */
export type FileFailure = AppendFailure | { readonly kind: 'unfit'; readonly message: string }

const pieceBytes = 4 * 1024 * 1024
/** A run before this one may have left an append on its way; each look finds it further on. */
const looksMax = 5

export async function appendFile(
  world: AppendWorld,
  order: FileOrder,
  signal: AbortSignal,
): Promise<Result<FileAppended, FileFailure>> {
  let first: number | undefined
  for (let look = 1; ; look += 1) {
    const place = await findPlace(world, order, signal)
    if (!place.ok) return place
    const { remote, start } = place.value
    first ??= start
    world.progress(remote.length)
    const source = sourceOf(order.file, start)
    const done = await appendBytes(world, { ...order, from: remote, source }, signal)
    if (done.ok) {
      if (done.value.length - remote.length < order.file.length - start)
        return err(shrank(order.key, done.value.length))
      await order.after?.remove()
      return ok({ extent: done.value, before: first, sent: order.file.length - first })
    }
    const { error } = done
    const mayBeOurs = error.kind === 'changed' && (error.why === 'torn' || error.why === 'longer')
    if (!mayBeOurs || look === looksMax) return done
  }
}

/** Where the object ends, and which byte of the file comes next. */
async function findPlace(
  world: AppendWorld,
  { key, file, after }: FileOrder,
  signal: AbortSignal,
): Promise<Result<{ readonly remote: Extent; readonly start: number }, FileFailure>> {
  const end = await endOf(world, key, signal)
  if (!end.ok) return end
  const remote = end.value
  const noted = await after?.read()
  const base = after === undefined ? emptyExtent : (noted ?? remote)
  if (after !== undefined && noted === undefined) await after.write(base)
  const start = remote.length - base.length
  if (start < 0) return err(unfit(`${key} is shorter than when this file was first appended to it: it was replaced.`))
  if (start > file.length) {
    const longer = after === undefined ? 'than the file' : 'than when the file had been appended'
    return err(unfit(`${key} is longer (${remote.length} bytes) ${longer}: it holds something else.${hint(after)}`))
  }
  const prefix = await crcOfFile(file, start)
  if (crc64Combine(base.crc64, prefix, start) !== remote.crc64) {
    const found = `its first ${start} bytes have another CRC-64 (${crc64Text(prefix)})`
    return err(unfit(`${key} does not begin as this file does: ${found}.${hint(after)}`))
  }
  return ok({ remote, start })
}

const unfit = (message: string): FileFailure => ({ kind: 'unfit', message: `${message} Nothing was sent.` })
const shrank = (key: string, length: number): FileFailure => ({
  kind: 'unfit',
  message: `The file became shorter while it was read; ${key} has ${length} bytes now.`,
})
const hint = (after: BaseNote | undefined): string =>
  after === undefined ? ' With --after the file follows what is there.' : ''

async function crcOfFile(file: FileBytes, end: number): Promise<bigint> {
  let sum = 0n
  for (let at = 0; at < end; at += pieceBytes) sum = crc64(await file.read(at, Math.min(pieceBytes, end - at)), sum)
  return sum
}

function sourceOf(file: FileBytes, start: number): ByteSource {
  let at = start
  return {
    async next(bytesMax) {
      if (at >= file.length) return undefined
      const bytes = await file.read(at, Math.min(bytesMax, file.length - at))
      at += bytes.length
      return bytes.length === 0 ? undefined : bytes
    },
  }
}

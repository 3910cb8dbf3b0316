/**
 * The objects of one bucket, on disk: one file of bytes and one small JSON page per object.
 *
 * The page is the truth and is replaced by rename, after the bytes it counts are written. Killed between the two, the file
 * is longer than its page says; the surplus is cut at the next start, for nobody was told of it. So an acknowledged append
 * survives the end of this process (the operating system keeps what it was given; with `fsync` the machine may end too).
 * Names of keys are hashed: `a` and `a/b` are both keys, and a key may be longer than a file name.
 *
 * One process at a time per directory.
 */
import { createHash, randomBytes } from 'node:crypto'
import { renameSync, writeFileSync } from 'node:fs'
import { type FileHandle, mkdir, open, readdir, readFile, rename, rm, stat, truncate, unlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Body } from './body.ts'
import type { Creation } from './creation-headers.ts'
import { refusals } from './refusal.ts'

export interface StoredObject {
  readonly key: string
  readonly type: 'Normal' | 'Appendable'
  readonly bytes: number
  /** Unsigned decimal, as OSS writes it. */
  readonly crc64: string
  /** Without quotes. */
  readonly etag: string
  /** Base64; of Normal objects only. */
  readonly md5?: string
  readonly modifiedMs: number
  readonly file: string
  readonly creation: Creation
}

/** Buffers handed to one `writev`; the operating system takes 1024 at most. */
const piecesPerWrite = 512

export class ObjectStore {
  readonly #folder: string
  readonly #fsync: boolean
  readonly #bytesMax: number
  readonly #objects = new Map<string, StoredObject>()
  readonly #turns = new Map<string, Promise<unknown>>()
  #sorted: readonly string[] | undefined

  constructor(folder: string, options: { fsync: boolean; bytesMax: number }) {
    this.#folder = folder
    this.#fsync = options.fsync
    this.#bytesMax = options.bytesMax
  }

  /** Reads every page, cuts what no page counts, removes what no page names. */
  async load(): Promise<void> {
    await makeFolder(this.#folder)
    const names = await readdir(this.#folder)
    for (const name of names.filter((one) => one.endsWith('.json'))) {
      const found: StoredObject = JSON.parse(await readFile(join(this.#folder, name), 'utf8'))
      const path = join(this.#folder, found.file)
      const { size } = await stat(path)
      if (size < found.bytes)
        throw new Error(`${path} has ${size} bytes, its page counts ${found.bytes}: it is damaged`)
      await truncate(path, found.bytes)
      this.#objects.set(found.key, found)
    }
    const known = new Set([...this.#objects.values()].map((found) => found.file))
    for (const name of names) {
      const ours = name.endsWith('.data') || name.endsWith('.tmp')
      if (ours && !known.has(name)) await unlink(join(this.#folder, name))
    }
  }

  find(key: string): StoredObject | undefined {
    return this.#objects.get(key)
  }

  /** All keys in the order of their UTF-8 bytes. */
  keys(): readonly string[] {
    this.#sorted ??= [...this.#objects.keys()].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
    return this.#sorted
  }

  pathOf(found: StoredObject): string {
    return join(this.#folder, found.file)
  }

  /** Appends all of `body` or nothing. `creation` counts when the object is made by this append. */
  append(
    key: string,
    position: number,
    body: Body,
    at: { nowMs: number; creation: () => Creation },
  ): Promise<StoredObject> {
    return this.#inTurn(key, async () => {
      const before = this.#objects.get(key)
      if (before?.type === 'Normal') throw refusals.notAppendable()
      const length = before?.bytes ?? 0
      if (position !== length) throw refusals.positionMismatch(length)
      if (length + body.bytes > this.#bytesMax) throw refusals.tooLarge(this.#bytesMax, length + body.bytes)
      const creation = before?.creation ?? at.creation()
      const crc64 = String(body.crc64After(BigInt(before?.crc64 ?? '0')))
      const file = before?.file ?? this.#newFile(key)
      if (before === undefined || body.bytes > 0) await this.#write(file, body, position)
      const bytes = length + body.bytes
      const etag = `${hash(`${key} ${bytes} ${crc64}`).slice(0, 24).toUpperCase()}00000000`
      return this.#commit({ key, type: 'Appendable', bytes, crc64, etag, modifiedMs: at.nowMs, file, creation })
    })
  }

  /** Makes a Normal object, replacing whatever had the name. */
  put(
    key: string,
    body: Body,
    at: { nowMs: number; creation: Creation; keepExisting?: boolean },
  ): Promise<StoredObject> {
    return this.#inTurn(key, async () => {
      const before = this.#objects.get(key)
      if (before !== undefined && at.keepExisting === true) throw refusals.exists(key)
      if (body.bytes > this.#bytesMax) throw refusals.tooLarge(this.#bytesMax, body.bytes)
      const file = this.#newFile(key)
      await this.#write(file, body, 0)
      const md5 = body.md5 ?? ''
      const made = await this.#commit({
        key,
        type: 'Normal',
        bytes: body.bytes,
        crc64: String(body.crc64After(0n)),
        etag: Buffer.from(md5, 'base64').toString('hex').toUpperCase(),
        md5,
        modifiedMs: at.nowMs,
        file,
        creation: at.creation,
      })
      if (before !== undefined) await rm(join(this.#folder, before.file), { force: true })
      return made
    })
  }

  /** Replaces what the object is told about itself; its bytes stay. */
  setHeaders(key: string, headers: Creation['headers'], nowMs: number): Promise<StoredObject> {
    return this.#inTurn(key, async () => {
      const before = this.#objects.get(key)
      if (before === undefined) throw refusals.noSuchKey(key)
      return this.#commit({ ...before, modifiedMs: nowMs, creation: { ...before.creation, headers } })
    })
  }

  /** Does nothing when there is nothing. */
  remove(key: string): Promise<void> {
    return this.#inTurn(key, async () => {
      const before = this.#objects.get(key)
      if (before === undefined) return
      await unlink(this.#page(key))
      await rm(join(this.#folder, before.file), { force: true })
      this.#objects.delete(key)
      this.#sorted = undefined
    })
  }

  /** Opens the bytes for reading. An object replaced in between is looked up anew. */
  async open(key: string): Promise<{ found: StoredObject; handle: FileHandle }> {
    for (;;) {
      const found = this.#objects.get(key)
      if (found === undefined) throw refusals.noSuchKey(key)
      try {
        return { found, handle: await open(this.pathOf(found), 'r') }
      } catch (error) {
        if (this.#objects.get(key)?.file === found.file) throw error
      }
    }
  }

  /** Resolves when nothing is being written any more. */
  async settled(): Promise<void> {
    await Promise.allSettled([...this.#turns.values()])
  }

  /** One change at a time per key: what OSS calls atomic. */
  #inTurn<T>(key: string, change: () => Promise<T>): Promise<T> {
    const before = this.#turns.get(key) ?? Promise.resolve()
    const result = before.then(change, change)
    this.#turns.set(key, result)
    const forget = () => {
      if (this.#turns.get(key) === result) this.#turns.delete(key)
    }
    result.then(forget, forget)
    return result
  }

  async #write(file: string, body: Body, position: number): Promise<void> {
    const handle = await open(join(this.#folder, file), position === 0 ? 'w' : 'r+')
    try {
      let at = position
      for (let first = 0; first < body.pieces.length; first += piecesPerWrite) {
        const pieces = body.pieces.slice(first, first + piecesPerWrite)
        const wanted = pieces.reduce((sum, piece) => sum + piece.length, 0)
        const { bytesWritten } = await handle.writev(pieces, at)
        if (bytesWritten !== wanted) throw new Error(`the disk took ${bytesWritten} of ${wanted} bytes of ${file}`)
        at += bytesWritten
      }
      if (this.#fsync) await handle.datasync()
    } finally {
      await handle.close()
    }
  }

  async #commit(next: StoredObject): Promise<StoredObject> {
    const page = this.#page(next.key)
    const draft = `${page}.tmp`
    if (this.#fsync) {
      const handle = await open(draft, 'w')
      await handle.writeFile(JSON.stringify(next))
      await handle.datasync()
      await handle.close()
      await rename(draft, page)
    } else {
      // A few hundred bytes: four trips through the thread pool would cost more than they spare.
      writeFileSync(draft, JSON.stringify(next))
      renameSync(draft, page)
    }
    if (!this.#objects.has(next.key)) this.#sorted = undefined
    this.#objects.set(next.key, next)
    return next
  }

  #page(key: string): string {
    return join(this.#folder, `${hash(key).slice(0, 40)}.json`)
  }

  #newFile(key: string): string {
    return `${hash(key).slice(0, 40)}-${randomBytes(4).toString('hex')}.data`
  }
}

/** `mkdir` of Node with `recursive` never returns where the system makes no folders (/proc): it takes ENOENT for progress. */
async function makeFolder(path: string): Promise<void> {
  const make = () =>
    mkdir(path).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error
    })
  await make().catch(async (error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT' || dirname(path) === path) throw error
    await makeFolder(dirname(path))
    await make()
  })
}

const hash = (text: string): string => createHash('sha256').update(text).digest('hex')

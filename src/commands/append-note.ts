/**
 * Where `watchpost append --after` writes down what the object held before the file. In the user's state directory (XDG
 * Base Directory), since the file's own may be read-only; durable before it resolves, for power may fail at the next line.
 */
import { createHash } from 'node:crypto'
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { crc64Text, parseCrc64 } from '../base/crc64.ts'
import type { BaseNote } from '../uplink/append-file.ts'

export interface NotePlace {
  /** Of the object and the file; together they are one attempt. */
  readonly bucket: string
  readonly key: string
  readonly file: string
}

export function notePath({ bucket, key, file }: NotePlace): string {
  const state = process.env.XDG_STATE_HOME ?? join(homedir(), '.local', 'state')
  const name = createHash('sha256')
    .update(JSON.stringify([bucket, key, file]))
    .digest('hex')
    .slice(0, 32)
  return join(state, 'watchpost', 'append', `${name}.json`)
}

export function createBaseNote(place: NotePlace): BaseNote {
  const path = notePath(place)
  return {
    async read() {
      const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return undefined
        throw error
      })
      if (text === undefined) return undefined
      const { length, crc64 } = JSON.parse(text) as { length: number; crc64: string }
      const sum = parseCrc64(crc64)
      return sum === undefined || !Number.isSafeInteger(length) ? undefined : { length, crc64: sum }
    },
    async write(base) {
      await mkdir(dirname(path), { recursive: true, mode: 0o700 })
      const text = `${JSON.stringify({ ...place, length: base.length, crc64: crc64Text(base.crc64) })}\n`
      const draft = await open(`${path}.new`, 'w', 0o600)
      await draft.writeFile(text)
      await draft.sync()
      await draft.close()
      await rename(`${path}.new`, path)
      const folder = await open(dirname(path))
      await folder.sync()
      await folder.close()
    },
    remove: () => rm(path, { force: true }),
  }
}

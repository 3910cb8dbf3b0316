/** Why the buffer did not open, as people read it: what happened, where, and what they can do. */
import type { KvOpenError } from './kv.ts'

export type BufferOpenError = {
  readonly kind: 'locked' | 'unwritable' | 'not-a-directory' | 'full' | 'io'
  /** One sentence for people, with the directory. */
  readonly message: string
}

export function diskSentence(
  place: string,
  error: { readonly kind: string; readonly message: string },
): BufferOpenError {
  switch (error.kind) {
    case 'unwritable':
      return {
        kind: 'unwritable',
        message: `The buffer's directory ${place} cannot be written: ${error.message}. Give it to the user that runs Watchpost, or choose another (buffer.directory).`,
      }
    case 'not-a-directory':
      return {
        kind: 'not-a-directory',
        message: `The buffer's directory ${place} is not a directory. Choose another (buffer.directory).`,
      }
    case 'full':
      return {
        kind: 'full',
        message: `The disk of the buffer's directory ${place} is full. Free some space, or choose another directory (buffer.directory).`,
      }
    default:
      return {
        kind: 'io',
        message: `The buffer's directory ${place} cannot be used: ${error.message}. Look at the disk.`,
      }
  }
}

export function indexSentence(place: string, error: KvOpenError): BufferOpenError {
  if (error.kind === 'locked') {
    return {
      kind: 'locked',
      message: `Another process uses the buffer in ${place}. One recorder owns a buffer: stop the other one, or choose another directory (buffer.directory).`,
    }
  }
  return diskSentence(place, error)
}

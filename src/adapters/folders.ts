/** Making a folder, and what the system says when it cannot. */
import { mkdir, stat } from 'node:fs/promises'
import { dirname } from 'node:path'

/**
 * Makes `path` and what is missing above it. Step by step, since `recursive` never returns where the kernel answers
 * "no such file" for a folder whose parent exists, as `/proc` does (seen with Node 20).
 */
export async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path)
  } catch (error) {
    const code = codeOf(error)
    if (code === 'EEXIST' && (await isFolder(path))) return
    const parent = dirname(path)
    if (code !== 'ENOENT' || parent === path || (await isFolder(parent))) throw error
    await makeFolder(parent)
    await mkdir(path)
  }
}

const isFolder = (path: string): Promise<boolean> =>
  stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  )

export const codeOf = (error: unknown): string | undefined =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined

const kinds: Readonly<Record<string, 'full' | 'absent' | 'unwritable' | 'not-a-directory'>> = {
  ENOSPC: 'full',
  EDQUOT: 'full',
  ENOENT: 'absent',
  EACCES: 'unwritable',
  EPERM: 'unwritable',
  EROFS: 'unwritable',
  ENOTDIR: 'not-a-directory',
  EEXIST: 'not-a-directory',
}

/** The system's error as one of our kinds. */
export const kindOf = (error: unknown): 'full' | 'absent' | 'unwritable' | 'not-a-directory' | 'io' =>
  kinds[codeOf(error) ?? ''] ?? 'io'

const words: Readonly<Record<string, string>> = {
  ENOSPC: 'no space is left',
  EDQUOT: 'the disk quota of this user is used up',
  ENOENT: 'it is not there',
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EROFS: 'the file system is read-only',
  ENOTDIR: 'a part of the path is not a directory',
  EEXIST: 'it exists already',
  EIO: 'the disk reports an error',
}

export function wordsOf(error: unknown): string {
  const code = codeOf(error)
  return (code !== undefined && words[code]) || (error instanceof Error ? error.message : String(error))
}

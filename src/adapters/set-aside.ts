/**
 * Where files go that this version of the program cannot read: into a folder beside their own, whole, for a person or
 * another version. `index` becomes `index.quarantined-1`, the next one `index.quarantined-2`; two are kept, and the oldest
 * goes when a third comes, so that no disk fills with what nobody asks for. A rename takes no space and is durable when the
 * folders have been synced.
 */
import { mkdir, open, readdir, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { mountedFolder } from './mounted-folder.ts'

/** Kept of each folder. */
const keptMax = 2

export interface SetAside {
  /** The folder itself, with everything in it. Returns where it is now. */
  whole(): Promise<string>
  /** These files of the folder. Returns where they are now. */
  files(names: readonly string[]): Promise<string>
  /** Deletes what was put aside longest ago; `undefined` if there is nothing. Returns where it was. */
  dropOldest(): Promise<string | undefined>
}

/** @param mountPoint where the disk must be mounted, at or above the folder that `folder` lies in */
export function setAsideOf(folder: string, mountPoint: string | undefined): SetAside {
  const name = basename(folder)
  const { within } = mountedFolder(dirname(folder), mountPoint)
  const asideName = (number: number): string => `${name}.quarantined-${number}`
  const placeOf = (number: number): string => join(dirname(folder), asideName(number))

  async function numbersIn(parent: string): Promise<number[]> {
    const start = asideName(0).slice(0, -1)
    return (await readdir(parent))
      .flatMap((entry) => (entry.startsWith(start) ? [Number(entry.slice(start.length))] : []))
      .filter(Number.isSafeInteger)
      .sort((one, other) => one - other)
  }

  /** Makes room for one more, and calls `move` with the path of the folder, and the path that it or its files get. */
  const aside = (move: (own: string, target: string) => Promise<void>): Promise<string> =>
    within(async (parent) => {
      const known = await numbersIn(parent)
      const number = (known.at(-1) ?? 0) + 1
      await move(join(parent, name), join(parent, asideName(number)))
      await syncFolder(parent)
      for (const old of known.slice(0, Math.max(0, known.length + 1 - keptMax))) {
        await rm(join(parent, asideName(old)), { recursive: true, force: true })
      }
      return placeOf(number)
    })

  return {
    whole: () => aside((own, target) => rename(own, target)),
    files: (names) =>
      aside(async (own, target) => {
        await mkdir(target)
        for (const file of names) await rename(join(own, file), join(target, file))
        await syncFolder(target)
        await syncFolder(own)
      }),
    dropOldest: () =>
      within(async (parent) => {
        const [oldest] = await numbersIn(parent)
        if (oldest === undefined) return undefined
        await rm(join(parent, asideName(oldest)), { recursive: true, force: true })
        return placeOf(oldest)
      }),
  }
}

export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

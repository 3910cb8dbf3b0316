/**
 * A folder that may only be used while the disk it belongs to is mounted.
 *
 * Without the disk the path still exists, on the disk of the system: footage would fill that one, be hidden by the next
 * mount, and be missed by nobody. So each use begins at the mount point itself: it is opened, what was opened is compared
 * with the file system around it, and everything beneath is reached through that handle. A disk that goes between the
 * look and the write takes the handle with it; nothing lands beneath a missing mount, whenever it went.
 *
 * Mounted means: another file system (`st_dev`) than that of the folder around it. A second view of one file system (a
 * bind mount, as systemd makes for the writable folders of a hardened unit) is no disk. Where the system has no
 * `/proc/self/fd`, the path is used after the look, and what happens in between is not seen.
 */
import { constants } from 'node:fs'
import { type FileHandle, open, realpath, stat } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'

export interface MountedFolder {
  /** Runs `operation` with a path of the folder that is good for as long as it runs. Rejects as `enter` does. */
  within<T>(operation: (path: string) => Promise<T>): Promise<T>
  /**
   * A path of the folder that is good until `leave`. The folder itself need not exist.
   *
   * @throws {NotMounted} while nothing is mounted at the mount point; an error of the system when it cannot be looked at
   */
  enter(): Promise<{ readonly path: string; leave(): Promise<void> }>
}

/** Its message is a sentence for people, without a full stop. */
export class NotMounted extends Error {
  constructor(mountPoint: string) {
    super(
      `nothing is mounted at ${mountPoint} (buffer.mountPoint), and nothing is written beneath a missing mount. ` +
        `Mount the disk (mount ${mountPoint}); where there is none, take buffer.mountPoint out of the settings`,
    )
    this.name = 'NotMounted'
  }
}

/** @param mountPoint absolute; `folder` lies at or beneath it. `undefined`: the folder is used as it is. */
export function mountedFolder(folder: string, mountPoint: string | undefined): MountedFolder {
  const enter: MountedFolder['enter'] =
    mountPoint === undefined
      ? async () => ({ path: folder, leave: async () => {} })
      : () => enterMount(mountPoint, relative(mountPoint, folder), folder)
  return {
    enter,
    async within(operation) {
      const { path, leave } = await enter()
      try {
        return await operation(path)
      } finally {
        await leave()
      }
    },
  }
}

async function enterMount(mountPoint: string, rest: string, folder: string): ReturnType<MountedFolder['enter']> {
  const handle = await openMount(mountPoint)
  // A failed close has nothing left to lose: the handle was only a way in.
  const leave = (): Promise<void> => handle.close().catch(() => {})
  if (process.platform !== 'linux') return { path: folder, leave }
  return { path: join('/proc/self/fd', String(handle.fd), rest), leave }
}

async function openMount(mountPoint: string): Promise<FileHandle> {
  let place: string
  let handle: FileHandle
  try {
    // Through links first: the folder around a link is not the one around the disk.
    place = await realpath(mountPoint)
    handle = await open(place, constants.O_RDONLY | constants.O_DIRECTORY)
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    throw code === 'ENOENT' || code === 'ENOTDIR' ? new NotMounted(mountPoint) : error
  }
  try {
    const [inside, around] = await Promise.all([handle.stat(), stat(dirname(place))])
    if (inside.dev === around.dev && place !== '/') throw new NotMounted(mountPoint)
    return handle
  } catch (error) {
    await handle.close().catch(() => {})
    throw error
  }
}

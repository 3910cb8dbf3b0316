/** Bytes that nothing can compress, as video is. */
import { randomBytes } from 'node:crypto'

export const MiB = 1024 * 1024
export const noise = (length: number): Buffer => randomBytes(length)

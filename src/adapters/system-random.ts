/** The machine's source of chance. */
import { randomBytes } from 'node:crypto'
import type { Random } from '../base/random.ts'

export const systemRandom: Random = {
  fraction: () => randomBytes(6).readUIntBE(0, 6) / 2 ** 48,
  hex: (bytes) => randomBytes(bytes).toString('hex'),
}

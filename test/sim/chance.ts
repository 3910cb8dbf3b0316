/** Dice of a seed, with the words a script needs. Each part of a world has its own, so that one more throw here moves nothing there. */
import { type Random, seededRandom } from '../../src/base/random.ts'

export interface Chance extends Random {
  /** True with this probability. */
  is(probability: number): boolean
  /** A number from `least` (inclusive) to `most` (exclusive). */
  between(least: number, most: number): number
  /** A whole number from `least` to `most`, both inclusive. */
  whole(least: number, most: number): number
  pick<T>(list: readonly T[]): T
}

export function chanceOf(seed: number, part: string): Chance {
  let mixed = Math.imul(seed + 1, 0x9e3779b1)
  for (let at = 0; at < part.length; at += 1)
    mixed = Math.imul(mixed ^ part.charCodeAt(at), 0x85ebca6b) ^ (mixed >>> 13)
  const random = seededRandom(mixed)
  const { fraction } = random
  const whole = (least: number, most: number): number => least + Math.floor(fraction() * (most - least + 1))
  return {
    ...random,
    is: (probability) => fraction() < probability,
    between: (least, most) => least + fraction() * (most - least),
    whole,
    pick(list) {
      const found = list[whole(0, list.length - 1)]
      if (found === undefined) throw new Error('nothing to pick from')
      return found
    },
  }
}

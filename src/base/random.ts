/** The only source of chance: jitter and names. Injected, so that a failing run can be replayed from its seed. */
export interface Random {
  /** A number in [0, 1). */
  fraction(): number
  /** `bytes` random bytes as lower-case hexadecimal. */
  hex(bytes: number): string
}

/** A repeatable `Random` (mulberry32) for tests and simulation. Not for secrets. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0
  const fraction = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000
  }
  const hex = (bytes: number): string => {
    let text = ''
    for (let i = 0; i < bytes; i += 1) {
      text += Math.floor(fraction() * 256)
        .toString(16)
        .padStart(2, '0')
    }
    return text
  }
  return { fraction, hex }
}

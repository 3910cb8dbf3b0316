/**
 * At most `most` disk operations at a time, first come first served. A disk that hangs then holds two threads of the pool
 * and no more, so that name look-ups and the rest of the program go on.
 */
export interface Turns {
  take<T>(operation: () => Promise<T>): Promise<T>
}

export function createTurns(most: number): Turns {
  let running = 0
  const waiting: (() => void)[] = []
  return {
    async take(operation) {
      if (running >= most) await new Promise<void>((go) => waiting.push(go))
      else running += 1
      try {
        return await operation()
      } finally {
        const next = waiting.shift()
        if (next === undefined) running -= 1
        else next()
      }
    },
  }
}

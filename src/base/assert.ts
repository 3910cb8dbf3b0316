/** Thrown for what cannot happen. Nobody catches it: the process ends, and starting is recovering. */
export class AssertionFailed extends Error {
  override readonly name = 'AssertionFailed'
}

/** States what must hold. Kept in production. Never for what a disk, a network, a camera or a person may do. */
export function assert(condition: unknown, mustHold: string): asserts condition {
  if (!condition) throw new AssertionFailed(mustHold)
}

/** The end of a switch over a union: the compiler proves that it is not reached. */
export function unreachable(value: never): never {
  throw new AssertionFailed(`no case for ${JSON.stringify(value)}`)
}

/**
 * A haul over a link that loses requests and replies, and what it cost, counted at the stand-in: an append without an
 * answer may cost one question, and its bytes a second time only if they had not arrived.
 */
import { expect } from 'vitest'
import type { ClipUnit } from '../support/clip.ts'
import type { StandIn } from '../support/stand-in.ts'
import { expectDelivered, haul } from './haul.ts'

/** Losses here are cut connections, which are noticed at once; a slow machine must not add silence of its own. */
export const lossyPatience = { answerMs: 10_000, bytesPerS: 10e6 }

export interface LossCount {
  readonly seed: number
  readonly appends: number
  /** Appends that got no answer. */
  readonly ambiguous: number
  readonly questions: number
  /** Questions that nobody needed but for an append without an answer. */
  readonly extraQuestions: number
  readonly bytesReceived: number
  readonly bytesAgain: number
}

/** @param share of requests, and of replies, that are lost: 0 to 1 */
export async function lossyHaul(
  standIn: StandIn,
  seed: number,
  { units, share }: { readonly units: readonly ClipUnit[]; readonly share: number },
): Promise<LossCount> {
  const { server, store } = standIn
  server.faults.add(
    { kind: 'drop-before-commit', probability: share / 2, seed: seed * 4 + 1 },
    { kind: 'refuse', probability: share / 2, seed: seed * 4 + 2 },
    { kind: 'commit-then-drop', probability: share, seed: seed * 4 + 3 },
  )
  const hauled = await haul({ store, seed, units, cameras: 2, rollEvery: Math.ceil(units.length / 2) })
  expectDelivered(hauled, standIn.bytesOf)
  const stats = server.stats()
  const { append, head } = stats.requests
  const ambiguous = stats.faultsOn.append
  // One question opens each object, a playlist's too; a question that is lost itself is asked again.
  const opening = server.objects().length
  return {
    seed,
    appends: append,
    ambiguous,
    questions: head,
    extraQuestions: head - stats.faultsOn.head - opening,
    bytesReceived: stats.bytesReceived,
    bytesAgain: stats.bytesAgain,
  }
}

export function expectFrugal(counts: readonly LossCount[]): Omit<LossCount, 'seed'> {
  const sum = (of: (count: LossCount) => number): number => counts.reduce((total, count) => total + of(count), 0)
  const all = {
    appends: sum((one) => one.appends),
    ambiguous: sum((one) => one.ambiguous),
    questions: sum((one) => one.questions),
    extraQuestions: sum((one) => one.extraQuestions),
    bytesReceived: sum((one) => one.bytesReceived),
    bytesAgain: sum((one) => one.bytesAgain),
  }
  expect(all.ambiguous).toBeGreaterThan(0)
  expect(all.bytesAgain).toBeLessThanOrEqual(all.bytesReceived * 0.001)
  for (const one of counts) expect(one.extraQuestions, `seed ${one.seed}`).toBeLessThanOrEqual(one.ambiguous)
  return all
}

/**
 * In which state is the recorder's plan for an object when a request of it comes? Seen from the wire: the plan is pure, so
 * its states follow from what was asked, what was answered, and what the buffer holds. Used to count what was met where,
 * and to send trouble where it is rare; nothing is judged by it.
 */

import type { Result } from '../../src/base/result.ts'
import type { Buffer as FootageBuffer } from '../../src/buffer/buffer.ts'
import type { Held } from '../../src/buffer/snapshot.ts'
import { judge } from '../../src/uplink/append-plan.ts'
import type { RemoteObject, StoreError } from '../../src/uplink/object-store.ts'
import type { Operation } from './trouble.ts'

export type PlanAt = 'unknown' | 'aligned' | 'suspected' | 'tail' | 'guessed' | 'playlist' | 'time'

export interface PlanMirror {
  /** Before the request. `doubt`: an earlier life left one that is not settled. */
  at(operation: Operation, key: string): { readonly state: PlanAt; readonly doubt: boolean }
  answered(operation: Operation, key: string, answer: Result<RemoteObject | Uint8Array, StoreError>): void
}

export function createPlanMirror(buffer: () => FootageBuffer | undefined): PlanMirror {
  const states = new Map<string, 'suspected' | 'tail' | 'unseen' | 'aligned'>()

  function heldOf(key: string): Held | undefined {
    const open = buffer()
    for (const id of open?.held() ?? []) {
      const held = open?.recording(id)
      if (held?.claim?.key === key) return held
    }
    return undefined
  }

  return {
    at(operation, key) {
      if (key.endsWith('/time')) return { state: 'time', doubt: false }
      if (key.endsWith('.m3u8')) return { state: 'playlist', doubt: false }
      const known = states.get(key)
      if (operation === 'append') return { state: known === 'unseen' ? 'guessed' : 'aligned', doubt: false }
      const doubt = heldOf(key)?.doubt !== undefined
      if (operation === 'read') return { state: doubt || known === 'tail' ? 'tail' : 'playlist', doubt }
      return { state: known === 'suspected' ? 'suspected' : 'unknown', doubt }
    },
    answered(operation, key, answer) {
      if (key.endsWith('/time') || key.endsWith('.m3u8') || operation === 'read') return
      if (!answer.ok) {
        const unseen = operation === 'inspect' && answer.error.code === 'AccessDenied'
        if (unseen) states.set(key, 'unseen')
        else if (states.get(key) !== 'tail') states.delete(key)
        return
      }
      if (operation === 'append' || answer.value instanceof Uint8Array) {
        states.set(key, 'aligned')
        return
      }
      const held = heldOf(key)
      if (held === undefined) return
      const verdict = judge(held, answer.value)
      if (verdict.is === 'proven') states.set(key, 'aligned')
      else states.set(key, verdict.is === 'tail' ? 'tail' : 'suspected')
    },
  }
}

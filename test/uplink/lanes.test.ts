import { describe, expect, test } from 'vitest'
import { type Lane, laneOf, nextTurn } from '../../src/uplink/lanes.ts'

const one = (lane: Lane, name: string): { lane: Lane; name: string } => ({ lane, name })

describe('lanes', () => {
  test('records go before live video, live video before back-fill, oldest first within', () => {
    const waiting = [one('back-fill', 'old'), one('live', 'a'), one('live', 'b'), one('records', 'events')]
    expect(nextTurn(waiting, [], 3)?.name).toBe('events')
    expect(nextTurn(waiting.slice(0, 3), [], 3)?.name).toBe('a')
    expect(nextTurn([one('back-fill', 'old'), one('back-fill', 'new')], [], 3)?.name).toBe('old')
  })

  test('video never takes the last place, and a doubtful link has one place', () => {
    const video = [one('live', 'a'), one('back-fill', 'b')]
    expect(nextTurn(video, ['live', 'back-fill'], 3)).toBeUndefined()
    expect(nextTurn([...video, one('records', 'e')], ['live', 'back-fill'], 3)?.name).toBe('e')
    expect(nextTurn(video, ['records'], 1)).toBeUndefined()
    expect(nextTurn(video, ['records', 'records', 'records'], 3)).toBeUndefined()
  })

  test('a recording is live while it grows', () => {
    const id = { track: 'video/gate', boot: 1, number: 0 }
    expect(laneOf(id, true)).toBe('live')
    expect(laneOf(id, false)).toBe('back-fill')
    expect(laneOf({ ...id, track: 'events' }, false)).toBe('records')
  })
})

import { describe, expect, test } from 'vitest'
import { createLogger } from '../../src/base/log.ts'
import { createLiveness } from '../../src/health/liveness.ts'
import { runWatchdog, type Supervisor } from '../../src/health/watchdog.ts'
import { createHandClock } from '../support/hand-clock.ts'

describe('liveness', () => {
  test('names a loop that has not come round within its own limit', async () => {
    const clock = createHandClock({ mono: 0 })
    const liveness = createLiveness(clock.mono)
    const quick = liveness.watch('camera gate', 2_000)
    liveness.watch('input pir', 60_000)
    await clock.advance(2_000)
    expect(liveness.stuck(clock.mono())).toEqual([])
    await clock.advance(1)
    expect(liveness.stuck(clock.mono())).toEqual([{ name: 'camera gate', silentMs: 2_001, limitMs: 2_000 }])
    quick.turned()
    expect(liveness.stuck(clock.mono())).toEqual([])
  })

  test('forgets a loop that was ended, and its name may be used again', async () => {
    const clock = createHandClock({ mono: 0 })
    const liveness = createLiveness(clock.mono)
    const first = liveness.watch('camera gate', 2_000)
    first.ended()
    const second = liveness.watch('camera gate', 2_000)
    first.ended()
    await clock.advance(5_000)
    expect(liveness.stuck(clock.mono())).toHaveLength(1)
    second.ended()
    expect(liveness.stuck(clock.mono())).toEqual([])
  })

  test('two loops of one name are a bug', () => {
    const liveness = createLiveness(createHandClock().mono)
    liveness.watch('uplink', 1)
    expect(() => liveness.watch('uplink', 1)).toThrow('uplink')
  })
})

describe('the watchdog', () => {
  function bench(watchdogMs: number | undefined) {
    const clock = createHandClock({ mono: 0 })
    const heard: string[] = []
    const logged: string[] = []
    const supervisor: Supervisor = {
      watchdogMs,
      ready: () => heard.push('ready'),
      alive: (text) => heard.push(`alive ${text}`),
      stuck: (text) => heard.push(text),
      stopping: () => heard.push('stopping'),
    }
    const liveness = createLiveness(clock.mono)
    const stop = new AbortController()
    const log = createLogger({ clock, sink: { write: (line) => logged.push(line) } })
    const done = runWatchdog({ supervisor, liveness, clock, log, summary: () => 'all well' }, stop.signal)
    const end = async (): Promise<void> => {
      stop.abort()
      await done
    }
    return { clock, heard, logged, liveness, end }
  }

  test('is fed at least twice in the time it grants, and from the first moment', async () => {
    const b = bench(4_000)
    await b.clock.advance(20_000)
    expect(b.heard).toHaveLength(11)
    expect(new Set(b.heard)).toEqual(new Set(['alive all well']))
    await b.end()
  })

  test('is not fed while a loop is stuck, and fed again when it moves', async () => {
    const b = bench(4_000)
    const loop = b.liveness.watch('uplink', 1_000)
    await b.clock.advance(9_000)
    expect(b.heard.filter((words) => words.startsWith('alive'))).toHaveLength(1)
    expect(b.heard.at(-1)).toBe('Stuck: uplink (for 8 s)')
    expect(b.logged[0]).toContain('uplink (for 2 s). The recorder will be restarted.')
    loop.ended()
    await b.clock.advance(2_000)
    expect(b.heard.at(-1)).toBe('alive all well')
    await b.end()
  })

  test('without a supervisor a stuck loop is named in the log all the same', async () => {
    const b = bench(undefined)
    b.liveness.watch('buffer', 1_000)
    await b.clock.advance(10_000)
    expect(b.logged[0]).toContain('buffer (for 10 s). Restart the recorder.')
    await b.end()
  })
})

import { describe, expect, test } from 'vitest'
import { seededRandom } from '../../src/base/random.ts'
import { createCamera } from '../../src/capture/camera.ts'
import { debianFfmpeg } from '../../src/capture/camera-command.ts'
import type { CameraSource } from '../../src/capture/camera-source.ts'
import { createStage, forever, type Script, type Stage } from './camera-stage.ts'

const seed = Number(process.env.SEED ?? 1)
const command: CameraSource = { kind: 'command', command: ['camera'] }

function play(stage: Stage, source: CameraSource = command) {
  const options = { name: 'door', source, rolloverBytes: 1e9, facts: debianFfmpeg }
  const camera = createCamera(stage.world, options)
  const stop = new AbortController()
  const over = camera.run(stop.signal)
  return { camera, stop, over }
}

const once =
  (letters: string, aliveMs: number): Script =>
  async (actor) => {
    if (letters !== '') actor.send(letters)
    await actor.sleep(aliveMs)
    return undefined
  }

const waits = (stage: Stage, aliveMs: number): number[] =>
  stage.startedAt.slice(1).map((at, i) => at - (stage.startedAt[i] ?? 0) - aliveMs)

describe('a camera', () => {
  test('is starting until its first keyframe, then recording, and stopped when told', async () => {
    const stage = createStage([
      async (actor) => {
        await actor.sleep(3_000)
        return await forever(actor)
      },
    ])
    const { camera, stop, over } = play(stage)
    await stage.clock.advance(2_000)
    expect(camera.status()).toMatchObject({ state: 'starting', problem: null, codec: null, restarts: 0 })
    await stage.clock.advance(10_000)
    expect(camera.status()).toMatchObject({ state: 'recording', codec: 'h264', width: 64, gopMs: 1000, framesPerS: 2 })
    expect(camera.status().unitsCaptured).toBe(9)
    expect(camera.status().lastUnitAgeMs).toBeLessThanOrEqual(1_000)
    stop.abort()
    await stage.clock.advance(1_000)
    await over
    expect(camera.status()).toMatchObject({ state: 'stopped', problem: null, framesPerS: null })
    // The GOP that was open when it was stopped is footage too.
    expect(stage.sink.recordings.map((kept) => kept.units.length)).toEqual([camera.status().unitsCaptured])
    expect(stage.gaps).toEqual([])
  })

  test('that leaves with code 0 is started again, and goes on in the same recording after a discontinuity', async () => {
    const tenSeconds: Script = async (actor) => {
      for (let second = 0; second < 10; second += 1) {
        actor.send('K..')
        await actor.sleep(1_000)
      }
      return undefined
    }
    const stage = createStage([tenSeconds, forever], seed)
    const { camera, stop, over } = play(stage)
    await stage.clock.advance(9_500)
    expect(camera.status().state).toBe('recording')
    await stage.clock.advance(600)
    expect(camera.status()).toMatchObject({ state: 'waiting', restarts: 0 })
    expect(camera.status().problem).toContain("Camera 'door' was lost: its command ended with code 0")
    await stage.clock.advance(10_000)
    expect(camera.status()).toMatchObject({ state: 'recording', problem: null, restarts: 1 })
    stop.abort()
    await stage.clock.advance(1_000)
    await over
    const [kept, ...others] = stage.sink.recordings
    expect(others).toEqual([])
    const marks = kept?.units.map((unit) => unit.media.discontinuity)
    expect(marks?.filter(Boolean).length).toBe(2)
    expect(marks?.indexOf(true, 1)).toBe(10)
    // The second run is told where the first one ended.
    expect(stage.runOptions[0]).toEqual({ notBefore: undefined, targetDurationS: undefined, sound: false })
    const last = kept?.units[9]?.media
    expect(stage.runOptions[1]).toEqual({
      notBefore: (last?.firstPts ?? 0) + (last?.durationTicks ?? 0),
      targetDurationS: 2,
      sound: false,
    })
  })

  test.each([
    ['silent from the start', once('', 1e9), 20_000, 'has sent nothing for 20 s'],
    [
      'sending no keyframe from the start',
      chatter(''),
      20_000,
      'has not sent a first whole picture (keyframe) within 20 s',
    ],
    ['frozen after its first GOPs', frozenAfter(5), 9_000, 'has sent nothing for 5 s'],
    ['frozen in the middle of a GOP', frozenAfter(5, 900), 9_900, 'has sent nothing for 5 s'],
    ['sending no keyframe any more', chatter('KKKKK'), 9_000, 'has sent no keyframe (whole picture) for 5 s'],
    ['sending no second keyframe', chatter('K'), 20_000, 'has sent no keyframe (whole picture) for 20 s'],
  ] as const)('that is %s is ended and started again', async (_name, script, afterMs, sentence) => {
    const stage = createStage([script, forever], seed)
    const { camera } = play(stage)
    await stage.clock.advance(afterMs - 600)
    expect(stage.startedAt.length).toBe(1)
    expect(stage.lines.join('\n')).not.toContain('camera.failed')
    await stage.clock.advance(1_200)
    expect(stage.lines.join('\n')).toContain(sentence)
    await stage.clock.advance(5_000)
    expect(stage.startedAt.length).toBe(2)
    expect(camera.status().state).toBe('recording')
  })

  test('that does not die is not waited for without end', async () => {
    const immortal: Script = () => new Promise(() => {})
    const stage = createStage([immortal], seed)
    const { camera } = play(stage)
    await stage.clock.advance(24 * 3600_000)
    expect(stage.startedAt.length).toBe(3)
    expect(camera.status()).toMatchObject({ state: 'waiting' })
    expect(camera.status().problem).toContain('cannot be ended')
  })

  test('whose recorder stood still itself is not blamed for it', async () => {
    const stage = createStage([forever])
    play(stage)
    await stage.clock.advance(10_000)
    // The world goes on for 8 s while our process is frozen: the next tick comes late, before the waiting bytes are read.
    const { mono } = stage.clock
    let extra = 0
    stage.clock.mono = () => (mono() + extra) as ReturnType<typeof mono>
    extra = 8_000
    await stage.clock.advance(10_000)
    expect(stage.startedAt.length).toBe(1)
  })

  test('with stretched GOPs gets more time after each loss', async () => {
    // Smart coding: 1 s GOPs while something moves, then one of 12 s. A camera like this is not ended for ever.
    const smart: Script = async (actor) => {
      while (!actor.stopped()) {
        actor.send('K')
        await actor.sleep(1_000)
        actor.send('K')
        for (let second = 0; second < 12; second += 1) {
          actor.send('..')
          await actor.sleep(1_000)
        }
      }
      return undefined
    }
    const stage = createStage([smart], seed)
    const { camera } = play(stage)
    await stage.clock.advance(600_000)
    expect(stage.startedAt.length).toBe(2)
    expect(camera.status().state).toBe('recording')
  })

  test('that floods is ended', async () => {
    const flood: Script = async (actor) => {
      actor.send('K')
      const megabyte = new Uint8Array(1_000_000)
      while (!actor.stopped()) {
        for (let i = 0; i < 6; i += 1) actor.sendBytes(megabyte)
        await actor.sleep(100)
      }
      return undefined
    }
    const stage = createStage([flood], seed)
    const { camera } = play(stage)
    await stage.clock.advance(13_000)
    expect(camera.status().state).toBe('waiting')
    expect(camera.status().problem).toMatch(/Camera 'door' sends 4\d\d Mbit\/s; the recorder takes 200 Mbit\/s at most/)
  })

  test('that sends a large file in one burst is no flood', async () => {
    const burst: Script = async (actor) => {
      for (let i = 0; i < 100; i += 1) actor.sendBytes(new Uint8Array(1_000_000))
      return await forever(actor)
    }
    const stage = createStage([burst])
    const { camera } = play(stage)
    await stage.clock.advance(60_000)
    expect(camera.status()).toMatchObject({ state: 'recording', restarts: 0 })
  })
})

describe('whatever a camera does', () => {
  const seeds = Array.from({ length: 40 }, (_, i) => seed * 1000 + i)
  test.each(seeds)(
    'it has one process at a time, waits between two, and keeps its footage in order (seed %i)',
    async (each) => {
      const random = seededRandom(each)
      let alive = 0
      let mostAlive = 0
      const moody: Script = async (actor) => {
        alive += 1
        mostAlive = Math.max(mostAlive, alive)
        while (!actor.stopped() && random.fraction() > 0.02) {
          const letters = ['K', 'K', 'K', 'K..', '...', '', 'hgno'.charAt(Math.floor(random.fraction() * 40))]
          const sent = letters[Math.floor(random.fraction() * letters.length)] ?? ''
          if (sent !== '') actor.send(sent)
          await actor.sleep(random.fraction() < 0.05 ? random.fraction() * 30_000 : random.fraction() * 2_000)
        }
        alive -= 1
        return random.fraction() < 0.5 ? undefined : { kind: 'killed', signal: 'SIGSEGV' }
      }
      const stage = createStage([moody], each)
      const { camera, stop, over } = play(stage)
      await stage.clock.advance(3_600_000)
      expect(mostAlive).toBe(1)
      expect(Math.min(...waits(stage, 0))).toBeGreaterThanOrEqual(1_000)
      stop.abort()
      await stage.clock.advance(3_000)
      await over
      expect(alive).toBe(0)
      const units = stage.sink.recordings.flatMap((kept) => kept.units)
      expect(units.length).toBe(camera.status().unitsCaptured)
      expect(units.length).toBeGreaterThan(0)
      // No time is told twice, and what is missing for long is in the gap records, once.
      let missing = 0
      for (const [i, unit] of units.slice(1).entries()) {
        const before = units[i]?.media
        const pauseMs = (unit.media.firstPts - (before?.firstPts ?? 0) - (before?.durationTicks ?? 0)) / 90
        expect(pauseMs).toBeGreaterThan(-1)
        if (pauseMs >= 800) missing += 1
      }
      expect(stage.gaps.length).toBe(missing)
    },
  )
})

describe('trying again', () => {
  test('waits 1 to 60 s, ever longer, and never in step', async () => {
    const all = [1, 2, 3, 4, 5].map(async (seedOfOne) => {
      const stage = createStage([once('', 100)], seedOfOne)
      play(stage)
      await stage.clock.advance(1_800_000)
      return waits(stage, 100)
    })
    const runs = await Promise.all(all)
    for (const each of runs) {
      expect(Math.min(...each)).toBeGreaterThanOrEqual(1_000)
      expect(Math.max(...each)).toBeLessThanOrEqual(61_000)
      expect(each[0]).toBeLessThanOrEqual(2_600)
      expect(each[1]).toBeLessThanOrEqual(4_600)
      // Half of 60 s on average, once it has grown.
      const late = each.slice(8)
      const mean = late.reduce((sum, ms) => sum + ms, 0) / late.length
      expect(mean).toBeGreaterThan(20_000)
      expect(mean).toBeLessThan(40_000)
    }
    expect(new Set(runs.map((each) => each.join())).size).toBe(5)
  })

  test('starts over after a minute of good video, and not after half of one', async () => {
    const good =
      (seconds: number): Script =>
      async (actor) => {
        for (let second = 0; second < seconds; second += 1) {
          actor.send('K')
          await actor.sleep(1_000)
        }
        return undefined
      }
    const bad = once('', 100)
    const failures = async (seconds: number): Promise<unknown[]> => {
      const stage = createStage([bad, bad, bad, bad, good(seconds), bad], seed)
      play(stage)
      await stage.clock.advance(300_000)
      return stage.lines
        .map((line) => JSON.parse(line))
        .filter((line) => line.event === 'camera.failed')
        .map((line) => line.failures)
    }
    expect((await failures(62)).slice(0, 6)).toEqual([1, 2, 3, 4, 1, 2])
    expect((await failures(30)).slice(0, 6)).toEqual([1, 2, 3, 4, 5, 6])
  })

  test.each([
    ['h', 'sends H.265 (HEVC)', 'Set its video coding to H.264'],
    ['o', 'not H.264', 'Set it to H.264'],
    ['n', 'without video', 'Check that its address'],
    ['g', 'not MPEG-TS', 'writes MPEG-TS'],
  ])('is slow where it cannot help (%s), and says what can', async (letter, what, remedy) => {
    const stage = createStage([once(letter, 1e9)], seed)
    const { camera } = play(stage)
    await stage.clock.advance(1_000)
    expect(stage.sink.recordings).toEqual([])
    expect(camera.status()).toMatchObject({ state: 'waiting' })
    expect(camera.status().problem).toContain(what)
    expect(camera.status().problem).toContain(remedy)
    await stage.clock.advance(600_000)
    expect(Math.min(...waits(stage, 0))).toBeGreaterThanOrEqual(30_000)
    expect(stage.startedAt.length).toBeGreaterThan(8)
  })

  test('a missing ffmpeg gets the command that installs it', async () => {
    const absent: Script = async () => ({ kind: 'absent', program: 'ffmpeg' })
    const stage = createStage([absent, absent, forever], seed)
    const { camera } = play(stage, { kind: 'file', path: '/yard.mp4' })
    await stage.clock.advance(1_000)
    expect(camera.status().problem).toContain('sudo apt-get install ffmpeg')
    await stage.clock.advance(130_000)
    expect(camera.status()).toMatchObject({ state: 'recording', problem: null })
  })

  test.each(['rpicam', 'v4l2'] as const)(
    'a kind that comes later (%s) is named, and nothing is started',
    async (kind) => {
      const stage = createStage([forever])
      const { camera } = play(stage, { kind })
      await stage.clock.advance(120_000)
      expect(stage.startedAt).toEqual([])
      expect(camera.status().problem).toContain(`the kind '${kind}'`)
      expect(camera.status().problem).toContain('not available in this version')
    },
  )

  test('is over at once when told to stop', async () => {
    const stage = createStage([once('h', 1e9)])
    const { stop, over, camera } = play(stage)
    await stage.clock.advance(5_000)
    expect(camera.status().state).toBe('waiting')
    stop.abort()
    await over
    expect(camera.status().state).toBe('stopped')
  })
})

describe('what is said', () => {
  test('the last words of the program are in the log, and a hint where they are understood', async () => {
    const refused: Script = async (actor) => {
      for (let i = 0; i < 1000; i += 1) actor.say(`chatter ${i}`)
      actor.say('method DESCRIBE failed: 401 Unauthorized')
      return { kind: 'exited', code: 1 }
    }
    const stage = createStage([refused], seed)
    const { camera } = play(stage, { kind: 'rtsp', url: 'rtsp://cam/live' })
    await stage.clock.advance(1_000)
    expect(camera.status().problem).toContain('The camera refuses the user name or password.')
    const failed = stage.lines.map((line) => JSON.parse(line)).find((line) => line.event === 'camera.failed')
    expect(failed.words.length).toBe(6)
    expect(failed.words.at(-1)).toContain('401')
    expect(failed.message).toMatch(/The next try is in \d+ s\.$/)
  })

  test('the loop shows that it turns at least every second, whatever the camera does', async () => {
    const stage = createStage([once('K', 3_000), once('', 1e9), once('h', 10), forever], seed)
    const turns: number[] = []
    const world = { ...stage.world, turned: () => void turns.push(stage.clock.mono()) }
    const options = { name: 'door', source: command, rolloverBytes: 1e9, facts: debianFfmpeg }
    void createCamera(world, options).run(new AbortController().signal)
    await stage.clock.advance(300_000)
    const steps = turns.slice(1).map((at, i) => at - (turns[i] ?? 0))
    expect(Math.max(...steps)).toBeLessThanOrEqual(1_000)
  })

  test('taps see the bytes of each life, and each unit before it is recorded', async () => {
    const stage = createStage([once('K.', 1_000), forever], seed)
    const taps: string[] = []
    let units = 0
    const world = {
      ...stage.world,
      tap: (life: number, bytes: Uint8Array) => void taps.push(`${life}${Buffer.from(bytes).toString()}`),
      onUnit: () => {
        const recorded = stage.sink.recordings.reduce((sum, kept) => sum + kept.units.length, 0)
        expect(recorded).toBe(units)
        units += 1
      },
    }
    const options = { name: 'door', source: command, rolloverBytes: 1e9, facts: debianFfmpeg }
    void createCamera(world, options).run(new AbortController().signal)
    await stage.clock.advance(10_000)
    expect(taps.slice(0, 3)).toEqual(['0K.', '1K', '1..'])
    expect(units).toBeGreaterThan(3)
  })
})

describe('gaps', () => {
  test('are told when the footage returns, with their exact range and cause', async () => {
    const stage = createStage([frozenAfter(10), forever], seed)
    play(stage)
    await stage.clock.advance(60_000)
    expect(stage.gaps.length).toBe(1)
    const [gap] = stage.gaps
    const units = stage.sink.recordings[0]?.units ?? []
    const back = units.findIndex((unit, i) => i > 0 && unit.media.discontinuity)
    const before = units[back - 1]?.media
    expect(gap).toMatchObject({ camera: 'door', cause: 'camera', toMonoMs: (units[back]?.media.firstPts ?? 0) / 90 })
    expect(gap?.fromMonoMs).toBeCloseTo(((before?.firstPts ?? 0) + (before?.durationTicks ?? 0)) / 90, 3)
    expect(gap?.note).toContain('has sent nothing for 5 s')
  })
})

/** Five GOPs at once, say, then bytes without a keyframe for ever. */
function chatter(letters: string): Script {
  return async (actor) => {
    for (const letter of letters) {
      actor.send(letter)
      await actor.sleep(1_000)
    }
    while (!actor.stopped()) {
      actor.send('.')
      await actor.sleep(200)
    }
    return undefined
  }
}

function frozenAfter(seconds: number, laterMs = 0): Script {
  return async (actor) => {
    for (let second = 0; second < seconds; second += 1) {
      actor.send('K')
      await actor.sleep(second === seconds - 1 ? laterMs : 1_000)
    }
    if (laterMs > 0) actor.send('.')
    await actor.sleep(1e9)
    return undefined
  }
}

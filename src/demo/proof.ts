/**
 * Is what lies in the store what the camera sent? Two witnesses, neither of which passed through the buffer or the
 * uplink: the hash of each unit, and, hashed by ffmpeg, each frame in the camera's own bytes. Only what a kill
 * interrupted may be missing, and it is named. Nothing may be there twice, in another order, or changed.
 *
 * Pure but for the calls it is given: the demo and the tests bring the bytes.
 */

export interface Life {
  readonly life: string
  /** False where the recorder was killed: the end of what it saw may be missing. */
  readonly stoppedInOrder: boolean
}

export interface WitnessedUnit {
  readonly life: string
  readonly length: number
  readonly sha256: string
}

export interface ProofFinding {
  readonly kind: 'lost' | 'duplicated' | 'different' | 'interrupted'
  readonly sentence: string
  /** Which of the witnessed units is missing. */
  readonly unit?: number
}

export interface UnitProof {
  readonly units: number
  readonly bytes: number
  readonly lost: number
  readonly duplicated: number
  readonly findings: readonly ProofFinding[]
}

/** One object's bytes can be hashed range by range without holding it. */
export interface StoredObject {
  readonly key: string
  readonly length: number
  sha256Of(start: number, end: number): Promise<string>
}

/**
 * Walks the objects of a camera in order beside the witnessed units.
 *
 * @param objects oldest first
 * @param units as witnessed, oldest first
 */
export async function proveUnits(
  objects: readonly StoredObject[],
  units: readonly WitnessedUnit[],
  lives: readonly Life[],
): Promise<UnitProof> {
  const killed = new Set(lives.filter((life) => !life.stoppedInOrder).map((life) => life.life))
  const findings: ProofFinding[] = []
  const seen = new Map<string, number>()
  let next = 0
  let found = 0
  let bytes = 0
  let lost = 0
  let duplicated = 0

  /** Passes over witnessed units that are not in the store; only the last ones of a killed life may be. */
  function passOver(until: number): void {
    for (; next < until; next += 1) {
      const unit = units[next]
      if (unit === undefined) return
      const rest = units.slice(next, until)
      const tail = units[until]?.life !== unit.life && rest.every((other) => other.life === unit.life)
      if (tail && killed.has(unit.life)) {
        const sentence = `unit ${next} (${unit.length} bytes) was cut off by the kill`
        findings.push({ kind: 'interrupted', sentence, unit: next })
      } else {
        lost += 1
        findings.push({ kind: 'lost', sentence: `unit ${next} (${unit.length} bytes) is not in the store`, unit: next })
      }
    }
  }

  for (const object of objects) {
    let at = 0
    while (at < object.length) {
      const match = await findUnit(object, at, units, next)
      if (match === undefined) {
        const twin = await findUnit(object, at, units, 0)
        if (twin !== undefined) {
          duplicated += 1
          at += units[twin]?.length ?? object.length
          findings.push({ kind: 'duplicated', sentence: `${object.key} holds unit ${twin} again before byte ${at}` })
          continue
        }
        const expected = units[next]
        const what =
          expected === undefined ? 'nothing' : `unit ${next} (${expected.length} bytes, SHA-256 ${expected.sha256})`
        const sentence = `${object.key} differs from byte ${at} on: ${what} was expected there`
        findings.push({ kind: 'different', sentence })
        return { units: found, bytes, lost, duplicated, findings }
      }
      passOver(match)
      const unit = units[match]
      if (unit === undefined) break
      seen.set(unit.sha256, match)
      next = match + 1
      found += 1
      bytes += unit.length
      at += unit.length
    }
  }
  passOver(units.length)
  return { units: found, bytes, lost, duplicated, findings }
}

/** How far ahead a unit is looked for before its bytes count as different: more than a kill can interrupt. */
const lookAheadUnits = 200

async function findUnit(
  object: StoredObject,
  at: number,
  units: readonly WitnessedUnit[],
  from: number,
): Promise<number | undefined> {
  const hashes = new Map<number, string>()
  for (let index = from; index < Math.min(units.length, from + lookAheadUnits); index += 1) {
    const unit = units[index]
    if (unit === undefined || at + unit.length > object.length) continue
    const hash = hashes.get(unit.length) ?? (await object.sha256Of(at, at + unit.length))
    hashes.set(unit.length, hash)
    if (hash === unit.sha256) return index
  }
  return undefined
}

/** The hashes of the frames of one life of the camera's process, in order. */
export interface FrameRun {
  readonly name: string
  /** The recorder was killed in this life of its own: the end of its last run may be missing. */
  readonly killed: boolean
  readonly frames: readonly string[]
}

export interface FrameProof {
  readonly frames: number
  readonly findings: readonly ProofFinding[]
}

/** What a kill interrupts: units held for the anchor (8 s), the open one, and a group not yet durable; 12 s at 25 a second. */
const killedFramesMax = 300
/** The end of a stream that just stops: a torn frame, and one that fills its packets exactly and so cannot be told from it. */
const tornFramesMax = 2

/**
 * The stored frames must be the runs' frames in order. A run may miss frames before its first keyframe (`headFramesMax`),
 * the torn end of its stream, and what a kill interrupted; one that never came to a keyframe is missing as a whole.
 */
export function proveFrames(stored: readonly string[], runs: readonly FrameRun[], headFramesMax: number): FrameProof {
  const findings: ProofFinding[] = []
  let at = 0
  for (const run of runs) {
    const { name, frames } = run
    const found = frames.indexOf(stored[at] ?? '')
    const head = found === -1 ? frames.length : found
    let count = 0
    while (head + count < frames.length && frames[head + count] === stored[at + count]) count += 1
    const tail = frames.length - head - count
    at += count
    const headMax = count === 0 && run.killed ? Math.max(headFramesMax, killedFramesMax) : headFramesMax
    if (head > headMax) findings.push({ kind: 'lost', sentence: `the first ${head} frames of ${name} are missing` })
    else if (count === 0 && head > 0) {
      findings.push({ kind: 'interrupted', sentence: `${name} ended before its footage began: ${head} frames` })
    }
    if (tail > (run.killed ? killedFramesMax : tornFramesMax)) {
      findings.push({ kind: 'lost', sentence: `the last ${tail} frames of ${name} are missing` })
    } else if (tail > 0) {
      findings.push({ kind: 'interrupted', sentence: `the last ${tail} frames of ${name} were cut off with it` })
    }
  }
  if (at < stored.length) {
    const sentence = `frame ${at} in the store is none that the camera sent at that point`
    findings.push({ kind: 'different', sentence })
  }
  return { frames: at, findings }
}

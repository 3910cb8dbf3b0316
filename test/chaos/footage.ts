/**
 * Is every unit that the cameras made in the store, once and in order? What is missing must be what a kill interrupted
 * and no older than that kill may cost, or stand in the catalogue as given up for a full disk, unit by unit.
 */
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { type UnitWitness, unitsFile } from '../../src/adapters/proof-files.ts'
import { frameHashes } from '../../src/demo/ffmpeg-frames.ts'
import { type Life, type ProofFinding, proveFrames, proveUnits, type StoredObject } from '../../src/demo/proof.ts'
import type { GapRecord } from '../../src/format/catalogue-record.ts'
import { videoTrack } from '../../src/format/recording.ts'
import type { Kill } from './world.ts'

export interface FootageRequest {
  readonly camera: string
  /** Of this camera, in the order of its own time. */
  readonly objects: readonly { readonly key: string; readonly bytes: Buffer }[]
  readonly gaps: readonly GapRecord[]
  readonly kills: readonly Kill[]
  /** Where the recorder left its witnesses. */
  readonly proofDirectory: string
}

export interface FootageProof {
  readonly camera: string
  readonly units: number
  readonly bytes: number
  /** Units that kills cost. */
  readonly interrupted: number
  /** The oldest unit that a kill cost, in ms before it. */
  readonly interruptedMsMax: number
  /** Units given up for a full disk, each in a gap record. */
  readonly givenUp: number
  readonly frames: number
  /** What must not be. */
  readonly findings: readonly string[]
}

/** A camera's run may begin inside a GOP: frames before its first keyframe. */
const headFramesMax = 20
/** A unit is whole when its last frame has arrived, held for the anchor of its run at most 8 s, on a busy machine later. */
const arrivalMsMax = 9_500

export async function proveFootage(request: FootageRequest): Promise<FootageProof> {
  const { camera, gaps, kills } = request
  const units = readWitnesses(request.proofDirectory).filter(({ track }) => track === videoTrack(camera))
  const killOf = (life: string): Kill | undefined => kills.find(({ pid }) => life.startsWith(`${pid}-`))
  const lives: Life[] = [...new Set(units.map(({ life }) => life))].map((life) => ({
    life,
    stoppedInOrder: killOf(life) === undefined,
  }))
  const proof = await proveUnits(request.objects.map(storedOf), units, lives)

  const full = gaps.filter(({ cause }) => cause === 'evicted' || cause === 'disk')
  const explained = full.reduce((sum, gap) => sum + gap.units, 0)
  const findings: string[] = []
  const missing = new Map(proof.findings.map((finding) => [finding.unit ?? -1, finding]))
  const cutOff = tailsOf(units, missing)
  const endedWithKill = new Set<UnitWitness>()
  let [interruptedMsMax, givenUp] = [0, 0]
  for (const finding of proof.findings) {
    const unit = finding.unit === undefined ? undefined : units[finding.unit]
    const kill = unit === undefined ? undefined : killOf(unit.life)
    const ageMs = unit === undefined || kill === undefined ? 0 : kill.atMs - unit.monoMs
    if (unit !== undefined && cutOff.has(unit) && kill !== undefined && ageMs <= kill.boundMs) {
      endedWithKill.add(unit)
      interruptedMsMax = Math.max(interruptedMsMax, ageMs)
    } else if (unit !== undefined && full.some((gap) => mayBe(unit, gap))) {
      givenUp += 1
    } else findings.push(sentenceOf(camera, finding, kill, ageMs))
  }
  if (givenUp > explained) {
    findings.push(`camera ${camera}: ${givenUp} units were given up for a full disk, gap records name ${explained}`)
  }
  if (proof.units === 0) findings.push(`camera ${camera}: there is no unit in the store`)
  const frames = missing.has(-1)
    ? { frames: 0, findings: [] }
    : await framesOf(request, units, { missing, endedWithKill })
  findings.push(...frames.findings)
  return {
    ...{
      camera,
      units: proof.units,
      bytes: proof.bytes,
      interrupted: endedWithKill.size,
      interruptedMsMax,
      givenUp,
      findings,
    },
    frames: frames.frames,
  }
}

/** Missing units behind which nothing of their life is in the store: what an end may cut off, be it a kill. */
function tailsOf(units: readonly UnitWitness[], missing: ReadonlyMap<number, unknown>): Set<UnitWitness> {
  const tails = new Set<UnitWitness>()
  const whole = new Set<string>()
  for (const [index, unit] of [...units.entries()].reverse()) {
    if (!missing.has(index)) whole.add(unit.life)
    else if (!whole.has(unit.life)) tails.add(unit)
  }
  return tails
}

const mayBe = (unit: UnitWitness, gap: GapRecord): boolean =>
  unit.monoMs >= gap.fromMonoMs && unit.monoMs <= gap.toMonoMs + arrivalMsMax

function sentenceOf(camera: string, finding: ProofFinding, kill: Kill | undefined, ageMs: number): string {
  const of = `camera ${camera}: ${finding.kind}: ${finding.sentence}`
  if (kill === undefined) return of
  return `${of}; it was ${ageMs.toFixed(0)} ms old when process ${kill.pid} was killed, which may cost ${kill.boundMs.toFixed(0)} ms`
}

/**
 * The second witness: each life of the recorder by itself, since its camera was cut off in mid frame and ffmpeg would
 * join that torn frame with the first one of the next life. A life that lost more than the kill's due is left out: its
 * frames have holes that only the units account for.
 */
async function framesOf(
  { camera, objects, proofDirectory, kills }: FootageRequest,
  units: readonly UnitWitness[],
  of: { readonly missing: ReadonlyMap<number, unknown>; readonly endedWithKill: ReadonlySet<UnitWitness> },
): Promise<{ frames: number; findings: string[] }> {
  const bytes = Buffer.concat(objects.map((object) => object.bytes))
  const stored = new Map<string, Buffer[]>()
  const holed = new Set<string>()
  let at = 0
  for (const [index, unit] of units.entries()) {
    const { life, length } = unit
    if (of.missing.has(index)) {
      if (!of.endedWithKill.has(unit)) holed.add(life)
      continue
    }
    stored.set(life, [...(stored.get(life) ?? []), bytes.subarray(at, at + length)])
    at += length
  }
  let frames = 0
  const findings: string[] = []
  const names = readdirSync(proofDirectory).filter((name) => name.startsWith(`camera-${camera}-`))
  for (const [life, pieces] of stored) {
    if (holed.has(life)) continue
    const killed = kills.some(({ pid }) => life.startsWith(`${pid}-`))
    const runs = []
    for (const name of names.filter((one) => one.includes(`-${life}-`)).sort()) {
      runs.push({ name, killed, frames: await frameHashes(join(proofDirectory, name)) })
    }
    const proof = proveFrames(await frameHashes(Readable.from(pieces)), runs, headFramesMax)
    frames += proof.frames
    const bad = proof.findings.filter(({ kind }) => kind !== 'interrupted')
    findings.push(...bad.map(({ kind, sentence }) => `camera ${camera}: ${kind}: ${sentence}`))
  }
  return { frames, findings }
}

function readWitnesses(directory: string): UnitWitness[] {
  const text = readFileSync(join(directory, unitsFile), 'utf8')
  return text
    .split('\n')
    .filter((one) => one !== '')
    .map((one) => JSON.parse(one) as UnitWitness)
}

const storedOf = ({ key, bytes }: { readonly key: string; readonly bytes: Buffer }): StoredObject => ({
  key,
  length: bytes.length,
  sha256Of: async (start, end) => createHash('sha256').update(bytes.subarray(start, end)).digest('hex'),
})

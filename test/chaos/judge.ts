/** After the storm: does what lies in the store, in the log and in the figures keep every promise? */
import { spawn } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { storeFromSettings } from '../../src/commands/store-from-settings.ts'
import { type CatalogueRecord, type GapRecord, parseCatalogueLine } from '../../src/format/catalogue-record.ts'
import { trackFolder } from '../../src/format/names.ts'
import type { Archive } from '../../src/reader/archive.ts'
import { type FootageProof, proveFootage } from './footage.ts'
import { storeFacts } from './stand-in-process.ts'
import { cameraNames, residentBytesMax, type World } from './world.ts'

export interface Verdict {
  readonly cameras: readonly FootageProof[]
  /** The last line of `watchpost verify`. */
  readonly verified: string
  readonly gaps: Readonly<Record<string, number>>
  readonly lines: number
  /** Bytes of all objects. */
  readonly storedBytes: number
  readonly findings: readonly string[]
}

export interface Measured {
  readonly residentBytesMax: number
  readonly lengthMs: number
}

const pieceBytes = 4 * 1024 * 1024
/**
 * A healthy camera costs two requests a second (unit and playlist), each line of a report a few more; after trouble each
 * object is asked for. More than this on the average is a loop that hammers.
 */
const requestsPerSMax = 4 * cameraNames.length + 4
/** Bodies that were cut off are sent again. A link that is reset in mid body all the time is the worst of it. */
const sentAgainMax = 2
const verifyMsMax = 300_000

interface Stored {
  readonly key: string
  readonly bytes: Buffer
}

export async function judge(world: World, cli: string, measured: Measured): Promise<Verdict> {
  const { archive, close, prefix } = await openArchive(world.settingsFile)
  try {
    const tracks = ['catalogue', 'health', 'events']
    const texts: Stored[] = []
    for (const track of tracks) texts.push(...(await objectsBelow(archive, prefix(track))))
    const catalogue = texts.filter(({ key }) => key.includes('/catalogue/')).flatMap(({ bytes }) => recordsOf(bytes))
    const gaps = catalogue.filter((record): record is GapRecord => record.kind === 'gap')
    const findings: string[] = []
    const cameras: FootageProof[] = []
    let storedBytes = texts.reduce((sum, { bytes }) => sum + bytes.length, 0)
    for (const camera of cameraNames) {
      const stored = await objectsBelow(archive, prefix(`video/${camera}`))
      storedBytes += stored.reduce((sum, { bytes }) => sum + bytes.length, 0)
      const { objects, unknown } = inOrder(stored, catalogue)
      findings.push(...unknown)
      const own = { camera, objects, gaps: gaps.filter((gap) => gap.camera === camera), kills: world.kills }
      cameras.push(await proveFootage({ ...own, proofDirectory: join(world.directory, 'proof') }))
    }
    findings.push(...cameras.flatMap((camera) => camera.findings))
    findings.push(...linesTwice(texts), ...accountOf(catalogue))
    const verify = await verified(cli, world.settingsFile)
    findings.push(...verify.findings, ...(await saidIn(world)), ...figuresOf(world, measured, storedBytes))
    const causes: Record<string, number> = {}
    for (const { cause } of gaps) causes[cause] = (causes[cause] ?? 0) + 1
    const lines = texts.reduce((sum, { bytes }) => sum + linesOf(bytes).length, 0)
    findings.push(...world.surprises)
    return { cameras, verified: verify.line, gaps: causes, lines, storedBytes, findings }
  } finally {
    await close()
  }
}

async function openArchive(settingsFile: string) {
  const { store, place } = await storeFromSettings(settingsFile)
  const archive: Archive = store
  return { archive, close: () => store.close(), prefix: (track: string) => trackFolder(place, track) }
}

async function objectsBelow(archive: Archive, folder: string): Promise<Stored[]> {
  const listing = await archive.list(folder, '')
  if (!listing.ok) throw new Error(listing.error.message)
  const objects: Stored[] = []
  for (const { key, length } of listing.value.objects) {
    const pieces: Uint8Array[] = []
    for (let at = 0; at < length; ) {
      const piece = await archive.readRange(key, at, Math.min(length, at + pieceBytes))
      if (!piece.ok) throw new Error(piece.error.message)
      if (piece.value.length === 0) throw new Error(`${key} ended at byte ${at} of ${length}.`)
      pieces.push(piece.value)
      at += piece.value.length
    }
    objects.push({ key, bytes: Buffer.concat(pieces) })
  }
  return objects
}

const linesOf = (bytes: Buffer): string[] =>
  bytes
    .toString()
    .split('\n')
    .filter((line) => line !== '')

const recordsOf = (bytes: Buffer): CatalogueRecord[] =>
  linesOf(bytes).flatMap((line) => {
    const record = parseCatalogueLine(line)
    return record === undefined ? [] : [record]
  })

/** Names are labels of wall time; the catalogue has the order of the machine's own clock. */
function inOrder(stored: readonly Stored[], catalogue: readonly CatalogueRecord[]) {
  const starts = new Map<string, number>()
  for (const record of catalogue) {
    // One boot of the machine: its clock goes on over every restart of the recorder.
    if (record.kind === 'recording') starts.set(record.key, record.startMonoMs)
  }
  const videos = stored.filter(({ key }) => key.endsWith('.ts'))
  const unknown = videos
    .filter(({ key }) => !starts.has(key))
    .map(({ key }) => `${key} is in the bucket, and no line of the catalogue says so`)
  const objects = videos.sort((a, b) => (starts.get(a.key) ?? 0) - (starts.get(b.key) ?? 0))
  return { objects, unknown }
}

/** Each line has its moment in it: two equal ones are one that was sent twice. */
function linesTwice(texts: readonly Stored[]): string[] {
  const seen = new Map<string, string>()
  const findings: string[] = []
  for (const { key, bytes } of texts) {
    for (const line of linesOf(bytes)) {
      const first = seen.get(line)
      if (first === undefined) seen.set(line, key)
      else findings.push(`a line stands twice, in ${first} and in ${key}: ${line.slice(0, 200)}`)
    }
  }
  return findings
}

/** Nobody wrote to our objects and no bit rotted: an alarm, an object given up or a unit that does not prove is a bug. */
function accountOf(catalogue: readonly CatalogueRecord[]): string[] {
  return catalogue.flatMap((record) => {
    if (record.kind === 'alarm') return [`an alarm without a reason: ${record.about}: ${record.note}`]
    if (record.kind === 'gap' && record.cause === 'corrupt') return [`a gap as if bits had rotted: ${record.note}`]
    if (record.kind === 'recording-end' && record.why !== 'complete')
      return [`${record.key} was given up: ${record.why}`]
    return []
  })
}

async function verified(cli: string, settingsFile: string): Promise<{ line: string; findings: string[] }> {
  const child = spawn(process.execPath, [cli, 'verify', '--config', settingsFile], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let text = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (piece: string) => {
      text += piece
    })
  }
  const tooLong = setTimeout(() => child.kill('SIGKILL'), verifyMsMax)
  const code = await new Promise<number | null>((resolve) => {
    child.on('error', () => resolve(null))
    child.on('close', resolve)
  })
  clearTimeout(tooLong)
  const lines = text.trim().split('\n')
  const line = lines.at(-1) ?? ''
  if (code === 0) return { line, findings: [] }
  const found = lines.filter((one) => /^(FOUND| {7})/.test(one)).map((one) => `watchpost verify: ${one.trim()}`)
  return { line, findings: [`watchpost verify ended with ${code}: ${line}`, ...found] }
}

/** What was said on the way: whole JSON lines, no secret, no last words, no stack trace. */
async function saidIn(world: World): Promise<string[]> {
  const log = await world.log()
  const other = await readFile(join(world.directory, 'stand-in.log'), 'utf8')
  const findings: string[] = []
  if ((log + other).includes(storeFacts.accessKeySecret)) findings.push('the secret of the access key stands in a log')
  for (const line of log.split('\n').filter((one) => one !== '')) {
    const shown = line.slice(0, 300)
    if (!/^\{.*\}$/.test(line)) findings.push(`the log has a line that is no record: ${shown}`)
    else if (/"event":"fatal"/.test(line)) findings.push(`the recorder had last words: ${shown}`)
    else if (/\\n\s+at |node:internal/.test(line)) findings.push(`a stack trace stands in the log: ${shown}`)
  }
  return findings
}

function figuresOf({ standIn }: World, measured: Measured, storedBytes: number): string[] {
  const findings: string[] = []
  const perS = (standIn.figures.requests * 1000) / measured.lengthMs
  if (perS > requestsPerSMax) {
    findings.push(`the store was asked ${perS.toFixed(1)} times a second, ${requestsPerSMax} at most are needed`)
  }
  const times = standIn.figures.bytesReceived / storedBytes
  if (times > sentAgainMax) findings.push(`the store received ${times.toFixed(2)} times the bytes that it holds`)
  if (measured.residentBytesMax > residentBytesMax) {
    const [had, may] = [measured.residentBytesMax, residentBytesMax].map((bytes) => Math.round(bytes / 1e6))
    findings.push(`the recorder took ${had} MB of memory, ${may} MB at most are its`)
  }
  return findings
}

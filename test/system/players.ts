/** Players that know nothing of us: ffmpeg through a playlist, and ffmpeg seeking in the raw object. */
import { execFile, spawn } from 'node:child_process'
import { promisify } from 'node:util'
import type { Rig } from '../support/rig.ts'

const run = promisify(execFile)
const quiet = ['-nostdin', '-hide_banner', '-loglevel', 'error']
/** Stream, DTS, PTS, duration, size, hash. Source: the header that ffmpeg's framehash prints. */
const ptsColumn = 2
const hashColumn = 5

/** SHA-256 of each video frame, as the player got them from the playlist; plays on while it grows, ends at its ENDLIST. */
export async function hashesThroughPlaylist(url: string): Promise<string[]> {
  // A recorder that is just being started again is no reason to leave.
  const patience = ['-max_reload', '1000', '-m3u8_hold_counters', '1000']
  const input = ['-live_start_index', '0', ...patience, '-i', url]
  const hash = ['-map', '0:v:0', '-c', 'copy', '-f', 'framehash', '-hash', 'sha256', '-']
  const { stdout } = await run('ffmpeg', [...quiet, ...input, ...hash], { maxBuffer: 64 << 20, timeout: 60_000 })
  return columnOf(stdout, hashColumn)
}

export interface ShownFrame {
  readonly pts: number
  /** Of the decoded picture. */
  readonly hash: string
}

/** Decodes the raw object; with `fromS`, as a person who seeks there first. PTS is in ticks of 1/90000 s, as stored. */
export async function shownFrames(path: string, fromS?: number, frames?: number): Promise<ShownFrame[]> {
  const seek = fromS === undefined ? [] : ['-ss', fromS.toFixed(6)]
  const count = frames === undefined ? [] : ['-frames:v', String(frames)]
  const args = [...seek, '-copyts', '-f', 'mpegts', '-i', path, '-map', '0:v:0', '-fps_mode', 'passthrough', ...count]
  const out = ['-enc_time_base', '1:90000', '-f', 'framehash', '-hash', 'sha256', '-']
  const { stdout } = await run('ffmpeg', [...quiet, ...args, ...out], { maxBuffer: 64 << 20, timeout: 60_000 })
  const hashes = columnOf(stdout, hashColumn)
  return columnOf(stdout, ptsColumn).map((pts, index) => ({ pts: Number(pts), hash: hashes[index] ?? '' }))
}

/** PTS of every keyframe, by ffprobe. */
export async function keyframes(path: string): Promise<number[]> {
  const show = ['-v', 'error', '-select_streams', 'v:0', '-show_entries', 'packet=pts,flags', '-of', 'csv=p=0']
  const { stdout } = await run('ffprobe', [...show, path], { maxBuffer: 64 << 20, timeout: 60_000 })
  return stdout.split('\n').flatMap((line) => (/^\d+,K/.test(line) ? [Number.parseInt(line, 10)] : []))
}

const columnOf = (text: string, column: number): string[] =>
  text
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.split(',')[column]?.trim() ?? '')

export interface View {
  readonly address: string
  close(): Promise<void>
}

/** `watchpost view` beside the recorder, on a free port. */
export async function startView(rig: Rig): Promise<View> {
  const child = spawn(process.execPath, [rig.cli, 'view', '--config', rig.settingsFile, '--port', '0'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const gone = new Promise<void>((resolve) => child.once('close', () => resolve()))
  const address = await new Promise<string>((resolve, reject) => {
    let said = ''
    child.stdout.on('data', (bytes: Buffer) => {
      said += bytes.toString()
      const found = /http:\S+/.exec(said)
      if (found !== null) resolve(found[0])
    })
    void gone.then(() => reject(new Error(`watchpost view ended: ${said}`)))
  })
  return {
    address,
    async close() {
      child.kill('SIGTERM')
      await gone
    },
  }
}

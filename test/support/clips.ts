/** Short films for cameras of tests, made by ffmpeg on demand, in a folder of the test's own. */
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)
const says = ['-hide_banner', '-loglevel', 'error', '-nostdin', '-y']

export interface Clip {
  readonly name: string
  readonly seconds: number
  /** ffmpeg's options for the coding, e.g. `['-c:v', 'libx264', …]`. */
  readonly video: readonly string[]
  readonly audio?: readonly string[]
}

/** H.264 with one keyframe a second (15 frames) and nothing that needs reordering. */
export const plainH264 = [
  '-c:v',
  'libx264',
  '-preset',
  'ultrafast',
  '-bf',
  '0',
  '-g',
  '15',
  '-keyint_min',
  '15',
  '-sc_threshold',
  '0',
]

/** @returns its path: 320×240, 15 frames a second */
export async function makeClip(folder: string, clip: Clip): Promise<string> {
  const path = join(folder, clip.name)
  const pattern = ['-f', 'lavfi', '-i', 'testsrc2=size=320x240:rate=15']
  const tone = clip.audio === undefined ? [] : ['-f', 'lavfi', '-i', 'sine=frequency=440:sample_rate=16000']
  await run('ffmpeg', [
    ...says,
    ...pattern,
    ...tone,
    '-t',
    String(clip.seconds),
    ...clip.video,
    ...(clip.audio ?? []),
    path,
  ])
  return path
}

/** What an independent reader finds in a stream: each video frame's PTS in ticks as stored, and what it complained about. */
export async function framesOf(path: string): Promise<{ readonly pts: number[]; readonly complaints: string }> {
  const show = ['-v', 'warning', '-select_streams', 'v:0', '-show_entries', 'packet=pts', '-of', 'csv=p=0']
  const { stdout, stderr } = await run('ffprobe', [...show, path], { maxBuffer: 64 << 20 })
  const pts = stdout.split('\n').flatMap((line) => (/^\d+/.test(line) ? [Number.parseInt(line, 10)] : []))
  return { pts, complaints: stderr }
}

/** Decodes every frame. @returns how many, and what the decoder complained about */
export async function decode(path: string): Promise<{ readonly frames: number; readonly complaints: string }> {
  const args = [
    '-hide_banner',
    '-loglevel',
    'warning',
    '-nostdin',
    '-i',
    path,
    '-map',
    '0:v:0',
    '-vsync',
    'passthrough',
  ]
  const { stdout, stderr } = await run('ffmpeg', [...args, '-f', 'framecrc', '-'], { maxBuffer: 64 << 20 })
  return { frames: stdout.split('\n').filter((line) => /^\d/.test(line)).length, complaints: stderr }
}

/** `[['h264', 'video'], ['aac', 'audio']]`. */
export async function streamsOf(path: string): Promise<string[][]> {
  const show = ['-v', 'error', '-show_entries', 'stream=codec_name,codec_type', '-of', 'csv=p=0']
  const { stdout } = await run('ffprobe', [...show, path])
  const lines = stdout.split('\n').filter((line) => line.trim() !== '')
  return [...new Set(lines)].map((line) => line.replace(/,$/, '').split(','))
}

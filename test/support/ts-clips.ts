/**
 * Small clips of real H.264 in MPEG-TS, made by the real ffmpeg once and kept under `node_modules/.cache`. Several test
 * processes may ask at once: each writes its own file and renames it.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const cacheDir = join(import.meta.dirname, '../../node_modules/.cache/watchpost-clips')

export interface ClipOptions {
  readonly seconds: number
  readonly fps?: number
  /** Frames from keyframe to keyframe. */
  readonly gop?: number
  readonly size?: string
  readonly bFrames?: number
  readonly audio?: boolean
  /** ffmpeg's own way with tables: every 0.1 s, and a start delay. */
  readonly plainMuxer?: boolean
  readonly bitrate?: string
  /** Where the time stamps begin, in seconds. */
  readonly offsetS?: number
  /** Another encoder than `libx264`. */
  readonly codec?: string
  /** More options for the encoder. */
  readonly encoder?: readonly string[]
}

/** Runs ffmpeg; its answer on standard output. */
export function ffmpeg(args: readonly string[], input?: Uint8Array): Buffer {
  return execFileSync('ffmpeg', ['-hide_banner', '-loglevel', 'error', '-nostdin', ...args], {
    maxBuffer: 512 * 1024 * 1024,
    stdio: ['pipe', 'pipe', 'ignore'],
    ...(input === undefined ? {} : { input }),
  })
}

/** Path of the clip's file. */
function clipFile(options: ClipOptions): string {
  const args = clipArguments(options)
  const name = createHash('sha256').update(JSON.stringify(args)).digest('hex').slice(0, 16)
  const file = join(cacheDir, `${name}.ts`)
  if (existsSync(file)) return file
  mkdirSync(cacheDir, { recursive: true })
  const own = `${file}.${process.pid}`
  ffmpeg([...args, '-y', own])
  renameSync(own, file)
  return file
}

export const clip = (options: ClipOptions): Uint8Array => new Uint8Array(readFileSync(clipFile(options)))

function clipArguments(options: ClipOptions): string[] {
  const { seconds, fps = 25, gop = fps, size = '320x180', bFrames = 0, bitrate = '400k', codec = 'libx264' } = options
  const args = ['-f', 'lavfi', '-i', `testsrc2=size=${size}:rate=${fps}`]
  if (options.audio === true) args.push('-f', 'lavfi', '-i', 'sine=frequency=440:sample_rate=48000')
  args.push('-t', `${seconds}`, '-c:v', codec, '-preset', 'veryfast', '-pix_fmt', 'yuv420p')
  args.push('-g', `${gop}`, '-keyint_min', `${gop}`, '-sc_threshold', '0', '-bf', `${bFrames}`, '-b:v', bitrate)
  args.push('-threads', '1', ...(options.encoder ?? []))
  if (options.audio === true) args.push('-c:a', 'aac', '-b:a', '32k')
  if (options.offsetS !== undefined) args.push('-output_ts_offset', `${options.offsetS}`)
  args.push('-f', 'mpegts')
  if (options.plainMuxer !== true) {
    args.push('-muxdelay', '0', '-muxpreload', '0', '-pat_period', '60', '-sdt_period', '60')
  }
  return args
}

/** One hash per coded video frame, in order, as ffmpeg's demuxer sees them. Damage at the end is no error. */
export function codedFrames(bytes: Uint8Array): string[] {
  const args = ['-f', 'mpegts', '-i', 'pipe:0', '-map', '0:v:0', '-c', 'copy', '-f', 'framehash', '-hash', 'md5', '-']
  return hashes(ffmpeg(args, bytes))
}

/** One hash per decoded picture. */
export function decodedFrames(bytes: Uint8Array): string[] {
  const args = ['-f', 'mpegts', '-i', 'pipe:0', '-map', '0:v:0', '-fps_mode', 'passthrough', '-f', 'framehash']
  return hashes(ffmpeg([...args, '-hash', 'md5', '-'], bytes))
}

function hashes(text: Buffer): string[] {
  const lines = text.toString().split('\n')
  return lines
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.split(',').at(-1)?.trim() ?? '')
}

/** How many packets ffmpeg takes for damaged: a jump of a counter without a discontinuity bit is enough. */
export function corruptPackets(bytes: Uint8Array): number {
  const args = ['-hide_banner', '-loglevel', 'warning', '-f', 'mpegts', '-i', 'pipe:0', '-c', 'copy', '-f', 'null', '-']
  const { stderr } = spawnSync('ffmpeg', args, { input: bytes, maxBuffer: 64 * 1024 * 1024 })
  return stderr.toString().match(/Packet corrupt/g)?.length ?? 0
}

/** Decodes several streams at once, in one process: one hash per picture of each. */
export function decodeAll(streams: readonly Uint8Array[]): string[][] {
  const dir = mkdtempSync(join(tmpdir(), 'watchpost-decode-'))
  try {
    const inputs = streams.flatMap((bytes, index) => {
      writeFileSync(join(dir, `${index}.ts`), bytes)
      return ['-f', 'mpegts', '-i', join(dir, `${index}.ts`)]
    })
    const outputs = streams.flatMap((_, index) => {
      const form = ['-map', `${index}:v:0`, '-fps_mode', 'passthrough', '-f', 'framehash', '-hash', 'md5']
      return [...form, join(dir, `${index}.txt`)]
    })
    ffmpeg([...inputs, ...outputs])
    return streams.map((_, index) => hashes(readFileSync(join(dir, `${index}.txt`))))
  } finally {
    rmSync(dir, { recursive: true })
  }
}

/** The files that ffmpeg's own segmenter makes of a clip, cut at each keyframe. */
export function ffmpegSegments(bytes: Uint8Array): Uint8Array[] {
  const dir = mkdtempSync(join(tmpdir(), 'watchpost-segments-'))
  try {
    writeFileSync(join(dir, 'in.ts'), bytes)
    const mux = ['-muxdelay', '0', '-muxpreload', '0', '-pat_period', '60', '-sdt_period', '60']
    const cut = [
      '-f',
      'segment',
      '-segment_time',
      '0.001',
      '-individual_header_trailer',
      '0',
      '-segment_format',
      'mpegts',
    ]
    ffmpeg(['-i', join(dir, 'in.ts'), '-map', '0', '-c', 'copy', ...mux, ...cut, join(dir, '%06d.ts')])
    const files: Uint8Array[] = []
    for (let i = 0; ; i += 1) {
      const file = join(dir, `${String(i).padStart(6, '0')}.ts`)
      if (!existsSync(file)) return files
      files.push(new Uint8Array(readFileSync(file)))
    }
  } finally {
    rmSync(dir, { recursive: true })
  }
}

/**
 * Real video for tests: ffmpeg's test picture, cut into GOPs by ffmpeg's own segmenter, which knows nothing of our
 * splitter. Media time is the given monotonic time, as the recorder would have it.
 */
import { execFile } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

export interface ClipOptions {
  readonly seconds: number
  /** Monotonic time of the first frame, in ms. */
  readonly startMonoMs: number
  readonly gopS?: number
  readonly size?: string
  readonly framesPerS?: number
  /** Wall time of the first frame in ms: burns a clock (UTC) into the picture. */
  readonly burnWallMs?: number
}

export interface ClipUnit {
  readonly bytes: Buffer
  /** Of its first frame, in ticks. */
  readonly pts: number
}

const packetBytes = 188
const kept = new Map<string, Promise<ClipUnit[]>>()

/** The units of one run of a camera; the first one carries the discontinuity indicator. */
export function makeClip(options: ClipOptions): Promise<ClipUnit[]> {
  const name = JSON.stringify(options)
  const clip = kept.get(name) ?? encode(options)
  kept.set(name, clip)
  return clip
}

async function encode(options: ClipOptions): Promise<ClipUnit[]> {
  const { seconds, startMonoMs, gopS = 1, size = '160x120', framesPerS = 10 } = options
  const directory = mkdtempSync(join(tmpdir(), 'watchpost-clip-'))
  const gop = String(gopS * framesPerS)
  const clock = options.burnWallMs === undefined ? [] : ['-vf', clockFilters(options.burnWallMs).join(',')]
  try {
    await run('ffmpeg', [
      ...[
        '-nostdin',
        '-v',
        'error',
        '-f',
        'lavfi',
        '-i',
        `testsrc2=size=${size}:rate=${framesPerS}:duration=${seconds}`,
      ],
      ...clock,
      ...['-c:v', 'libx264', '-preset', 'ultrafast', '-tune', 'zerolatency', '-g', gop, '-keyint_min', gop],
      ...['-sc_threshold', '0', '-pix_fmt', 'yuv420p', '-output_ts_offset', String(startMonoMs / 1000)],
      ...['-muxdelay', '0', '-muxpreload', '0', '-f', 'segment', '-segment_time', String(gopS * 0.9)],
      ...['-individual_header_trailer', '0', '-segment_format', 'mpegts', join(directory, '%05d.ts')],
    ])
    const files = readdirSync(directory).sort()
    const units = files.map((file) => readFileSync(join(directory, file)))
    const [first] = units
    if (first !== undefined) markDiscontinuity(first)
    return units.map((bytes) => ({ bytes, pts: firstPtsIn(bytes) }))
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

/** Bits of the machine's clock in the picture: 68 minutes until it begins again. */
export const clockBits = 12

/**
 * Two clocks in the picture: one for people (UTC), and one for programs: in the top tenth, from the left, a row of
 * squares for the bits of the whole seconds of wall time, lowest first, white for 1.
 */
function clockFilters(wallMs: number): string[] {
  const seconds = wallMs / 1000
  const text = `%{pts\\:gmtime\\:${Math.floor(seconds)}}`
  const bits = Array.from({ length: clockBits }, (_, bit) => {
    const place = `x=${bit}*iw/${clockBits}:y=0:w=iw/${clockBits}:h=ih/10:t=fill`
    return `drawbox=${place}:color=white:enable='gte(mod(floor(t+${seconds}),${2 ** (bit + 1)}),${2 ** bit})'`
  })
  return [
    'drawbox=x=0:y=0:w=iw:h=ih/10:t=fill:color=black',
    ...bits,
    `drawtext=fontsize=h/8:fontcolor=white:box=1:boxcolor=black:x=(w-tw)/2:y=h-1.5*th:text='${text}'`,
  ]
}

/** The first packet of the video PID (ffmpeg's is 0x100) that begins a frame. */
function firstVideoPacket(unit: Buffer): number {
  for (let at = 0; at < unit.length; at += packetBytes) {
    const pid = unit.readUInt16BE(at + 1)
    if ((pid & 0x1fff) === 0x100 && (pid & 0x4000) !== 0) return at
  }
  throw new Error('the clip has no video')
}

export function markDiscontinuity(unit: Buffer): void {
  const at = firstVideoPacket(unit)
  if (((unit[at + 3] ?? 0) & 0x20) === 0 || unit[at + 4] === 0) throw new Error('no room for the indicator')
  unit[at + 5] = (unit[at + 5] ?? 0) | 0x80
}

function firstPtsIn(unit: Buffer): number {
  const at = firstVideoPacket(unit)
  const adapted = ((unit[at + 3] ?? 0) & 0x20) === 0 ? 0 : 1 + (unit[at + 4] ?? 0)
  const pes = at + 4 + adapted
  const byte = (index: number): number => unit[pes + 9 + index] ?? 0
  // Source: ISO/IEC 13818-1, 2.4.3.6: 33 bits in five bytes with marker bits between.
  return ((byte(0) >> 1) & 7) * 2 ** 30 + (byte(1) << 22) + ((byte(2) >> 1) << 15) + (byte(3) << 7) + (byte(4) >> 1)
}

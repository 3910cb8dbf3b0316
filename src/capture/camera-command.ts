/**
 * A camera's settings → the program to start. Pure; a new kind of camera is one entry in `kinds`.
 *
 * Nothing is encoded but the test pattern: the camera's own H.264 is copied into MPEG-TS. The common tail keeps the
 * container thin (PAT and PMT before keyframes only, else 8 % of a low-rate stream) and unbuffered. No wall-clock stamps
 * and no offsets: the splitter puts this boot's monotonic clock into the stream.
 * Source of the options: ffmpeg-formats(1), "mpegts"; ffmpeg-protocols(1), "rtsp".
 */
import { err, ok, type Result } from '../base/result.ts'
import { Secret } from '../base/secret.ts'
import type { CameraSource, SourceKind, SourceOf } from './camera-source.ts'
import type { ChildCommand } from './child.ts'

/** What the installed ffmpeg can do, and what is known of the camera's sound. */
export interface CommandFacts {
  /** ffmpeg before 5.0 has `-stimeout`, and reads `-timeout` as "listen for a camera". */
  readonly stimeout: boolean
  /** False where ffmpeg was built without text (or finds no font): the test pattern then has no clock. */
  readonly drawsText: boolean
  /** ffmpeg's name of the camera's audio coding; `undefined` if nobody asked or nobody knows. */
  readonly audioCodec?: string
}

export const debianFfmpeg: CommandFacts = { stimeout: false, drawsText: true }

type Builder<K extends SourceKind> = (
  camera: string,
  source: SourceOf<K>,
  facts: CommandFacts,
) => Result<ChildCommand, string>

/** A silent camera is left after this; ffmpeg needs twice as long, since it waits again for the answer to its goodbye. */
const rtspTimeoutUs = 5_000_000

const kinds: { readonly [K in SourceKind]: Builder<K> } = {
  test: (camera, source, facts) => ok(ffmpeg([...testInput(camera, source, facts), ...testOutput(source)])),
  file: (_camera, source, facts) =>
    ok(ffmpeg([...['-re', '-stream_loop', '-1', '-i', `file:${source.path}`], ...copied(source.audio, facts)])),
  rtsp: (_camera, source, facts) => ok(rtsp(source, facts)),
  command: (camera, source) => command(camera, source.command),
  rpicam: (camera) => err(later(camera, 'rpicam', "the Raspberry Pi's own camera")),
  v4l2: (camera) => err(later(camera, 'v4l2', 'a USB camera')),
}

/** @returns the program, or one sentence for people that says why there is none */
export function commandFor(camera: string, source: CameraSource, facts: CommandFacts): Result<ChildCommand, string> {
  // The table pairs each kind with its own source; the compiler cannot follow that through the look-up.
  const build = kinds[source.kind] as Builder<SourceKind>
  return build(camera, source, facts)
}

const head = ['-hide_banner', '-loglevel', 'warning', '-nostdin'] as const

function ffmpeg(args: readonly string[], secrets: readonly Secret[] = []): ChildCommand {
  const container = ['-f', 'mpegts', '-muxdelay', '0', '-muxpreload', '0', '-pat_period', '60', '-sdt_period', '60']
  return {
    argv: ['ffmpeg', ...head, ...args, ...container, '-flush_packets', '1', 'pipe:1'],
    secrets,
    members: 'one',
  }
}

/** Video as it is; sound only if asked for: AAC as it is, anything else (G.711) has no place in MPEG-TS and becomes AAC. */
function copied(audio: boolean | undefined, facts: CommandFacts): string[] {
  if (audio !== true) return ['-map', '0:v:0', '-an', '-c:v', 'copy']
  const sound = facts.audioCodec === 'aac' ? ['-c:a', 'copy'] : ['-c:a', 'aac', '-b:a', '32k', '-ar', '16000']
  return ['-map', '0:v:0', '-map', '0:a:0?', '-c:v', 'copy', ...sound]
}

function rtsp(source: SourceOf<'rtsp'>, facts: CommandFacts): ChildCommand {
  const { url, secrets } = rtspAddress(source)
  const input = [...['-rtsp_transport', source.transport ?? 'tcp'], facts.stimeout ? '-stimeout' : '-timeout']
  // Sound that is not wanted is not even asked for.
  const media = source.audio === true ? [] : ['-allowed_media_types', 'video']
  // Sound must be looked at before it can be converted; pictures alone need no probing, their parameters are in the SDP
  // or before the first keyframe.
  const probe = source.audio === true ? [] : ['-probesize', '32k', '-analyzeduration', '0']
  return ffmpeg(
    [
      ...[...input, String(rtspTimeoutUs), ...media],
      ...['-fflags', 'nobuffer', ...probe, '-i', url],
      ...copied(source.audio, facts),
    ],
    secrets,
  )
}

/** The address with user and password in it, percent-encoded, for argument lists only; and what must not be repeated. */
export function rtspAddress(source: SourceOf<'rtsp'>): { readonly url: string; readonly secrets: readonly Secret[] } {
  const user = source.user?.reveal() ?? ''
  const password = source.password?.reveal() ?? ''
  const [scheme = '', written = ''] = splitOnce(source.url, '://')
  const end = written.search(/[/?]/)
  const authority = end === -1 ? written : written.slice(0, end)
  const at = authority.lastIndexOf('@')
  // An address that came with a user in it, against the rule of the settings, still gives nothing away.
  const own = at === -1 ? [] : authority.slice(0, at).split(':')
  const ownSecrets = own.flatMap((text) => [new Secret(text), new Secret(decoded(text))])
  if (user === '' && password === '') return { url: source.url, secrets: ownSecrets }
  const login = `${encodeURIComponent(user)}:${encodeURIComponent(password)}@`
  return {
    url: `${scheme}://${login}${written.slice(at + 1)}`,
    secrets: [...ownSecrets, ...[source.user, source.password].filter((secret) => secret !== undefined)],
  }
}

function splitOnce(text: string, mark: string): [string, string] {
  const at = text.indexOf(mark)
  return at === -1 ? [text, ''] : [text.slice(0, at), text.slice(at + mark.length)]
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

function command(camera: string, words: readonly string[] | string): Result<ChildCommand, string> {
  if (typeof words === 'string') return ok({ argv: ['sh', '-c', words], secrets: [], members: 'many' })
  const [program, ...args] = words
  if (program === undefined || program === '') return err(`Camera '${camera}' has an empty command. Name a program.`)
  return ok({ argv: [program, ...args], secrets: [], members: 'many' })
}

function testInput(camera: string, source: SourceOf<'test'>, facts: CommandFacts): string[] {
  const pattern = `testsrc2=size=${source.width}x${source.height}:rate=${source.framesPerS}`
  const tone = source.audio === true ? ['-re', '-f', 'lavfi', '-i', 'sine=frequency=440:sample_rate=16000'] : []
  const text = facts.drawsText ? ['-vf', burnedIn(camera, source.height)] : []
  return ['-re', '-f', 'lavfi', '-i', pattern, ...tone, ...text]
}

/** Two texts: the time of day in UTC with milliseconds above, the camera's name below; sized to be read in a small window. */
function burnedIn(camera: string, height: number): string {
  const size = Math.max(12, Math.round(height / 14))
  const look = `fontsize=${size}:fontcolor=white:box=1:boxcolor=black@0.6:boxborderw=${Math.round(size / 4)}`
  // Each backslash passes one of three readers: the filter graph, the option's value, the text expansion.
  const time = String.raw`%{gmtime\:%Y-%m-%d %H\\\:%M\\\:%S.%3N}Z`
  // A name is letters, digits and dashes by the settings; here whatever a filter graph could misread is taken out.
  const name = camera.replace(/[^A-Za-z0-9_ .-]/g, '_')
  return `drawtext=text='${time}':x=${size}:y=${size}:${look},drawtext=text='${name}':x=${size}:y=h-th-${size}:${look}`
}

function testOutput(source: SourceOf<'test'>): string[] {
  const gop = String(Math.max(1, Math.round(source.framesPerS * source.gopS)))
  const rate = String(source.bitsPerS)
  const encode = [
    '-c:v',
    'libx264',
    '-preset',
    'ultrafast',
    '-tune',
    'zerolatency',
    '-pix_fmt',
    'yuv420p',
    '-threads',
    '2',
  ]
  const gops = ['-g', gop, '-keyint_min', gop, '-sc_threshold', '0']
  const rates = ['-b:v', rate, '-maxrate', rate, '-bufsize', rate]
  const sound = source.audio === true ? ['-map', '1:a:0', '-c:a', 'aac', '-b:a', '32k'] : ['-an']
  return ['-map', '0:v:0', ...sound, ...encode, ...gops, ...rates]
}

const later = (camera: string, kind: string, what: string): string =>
  `Camera '${camera}': the kind '${kind}' (${what}) is not available in this version. ` +
  "Use the kind 'command' with a program that writes MPEG-TS to its standard output."

/**
 * How a life of a camera process ended, and the sentence for it: what happened, to which camera, what the person can do.
 * What a foreign program says is known here only as hints for people; no decision hangs on it.
 */
import type { RunProblem } from './camera-run.ts'
import type { SourceKind } from './camera-source.ts'
import type { ChildExit } from './child.ts'

export type StallKind = 'no-bytes' | 'no-first-keyframe' | 'no-keyframe'

/** Why a life ended. There is no good end but being stopped: ffmpeg leaves with 0 when a camera dies. */
export type LifeEnd =
  | { readonly kind: 'stopped' }
  | { readonly kind: 'left'; readonly exit: ChildExit }
  | { readonly kind: 'stall'; readonly stall: StallKind; readonly waitedMs: number }
  | { readonly kind: 'problem'; readonly problem: RunProblem }
  | { readonly kind: 'flood'; readonly bytesPerS: number }
  | { readonly kind: 'no-command'; readonly sentence: string }
  | { readonly kind: 'undead'; readonly count: number }

/** What will not change by itself in a minute; tried again slowly all the same, since people repair cameras. */
export function isLasting(end: LifeEnd): boolean {
  if (end.kind === 'left') return end.exit.kind === 'absent'
  return end.kind !== 'stopped' && end.kind !== 'stall'
}

export interface Speaker {
  readonly camera: string
  readonly source: SourceKind
  /** The last lines of the program, redacted. */
  readonly words: readonly string[]
}

export function sentenceFor(end: LifeEnd, { camera, source, words }: Speaker): string {
  const who = `Camera '${camera}'`
  switch (end.kind) {
    case 'stopped':
      return `${who} is stopped.`
    case 'no-command':
      return end.sentence
    case 'problem':
      return `${who} ${problems[worded(end.problem, words)]}`
    case 'flood':
      return `${who} sends ${Math.round((end.bytesPerS * 8) / 1e6)} Mbit/s; ${floodAdvice}`
    case 'undead':
      return `${who}: ${end.count} of its processes cannot be ended, not even by KILL; a disk, USB device or network mount hangs. Restart the device.`
    case 'stall': {
      const seconds = Math.round(end.waitedMs / 1000)
      return `${who} ${stalls[end.stall].replace('{s}', String(seconds))}${hintFrom(words)}`
    }
    case 'left':
      return `${who} ${leftWords(end.exit, source)}${hintFrom(words)}`
  }
}

const problems: Readonly<Record<RunProblem, string>> = {
  h265:
    'sends H.265 (HEVC), which browsers do not play from MPEG-TS. Set its video coding to H.264 on its own settings page, ' +
    'or use its second stream if that is H.264.',
  'other-codec':
    'sends a video coding that is not H.264. Set it to H.264 on its own settings page; for a camera that only knows ' +
    "MJPEG, use the kind 'command' with an ffmpeg that encodes.",
  'no-video': 'sends a stream without video. Check that its address names a video stream.',
  garbage:
    'sends something that is not MPEG-TS. Check that the command writes MPEG-TS, and nothing else, to its standard output.',
}

/** ffmpeg puts what MPEG-TS has no name for (MJPEG) into private data, where no video is to be seen; but it says so. */
function worded(problem: RunProblem, words: readonly string[]): RunProblem {
  const isPrivate = words.some((line) => /muxed as a private data stream/.test(line))
  return problem === 'no-video' && isPrivate ? 'other-codec' : problem
}

const floodAdvice =
  'the recorder takes 200 Mbit/s at most. Lower its bit rate, or check that the command sends in real time.'

const stalls: Readonly<Record<StallKind, string>> = {
  'no-bytes': 'has sent nothing for {s} s; its process is ended and started again.',
  'no-first-keyframe':
    'has not sent a first whole picture (keyframe) within {s} s; its process is ended and started again.',
  'no-keyframe':
    'has sent no keyframe (whole picture) for {s} s; its process is ended and started again. If this comes back while the ' +
    'camera is well, set a shorter keyframe interval (GOP) in it.',
}

function leftWords(exit: ChildExit, source: SourceKind): string {
  switch (exit.kind) {
    case 'absent':
      return exit.program === 'ffmpeg'
        ? 'needs ffmpeg, which is not installed. Install it: sudo apt-get install ffmpeg (macOS: brew install ffmpeg).'
        : `cannot start: the program '${exit.program}' was not found. Check the command, or install the program.`
    case 'refused':
      return `cannot start: the system refused to run '${exit.program}' (${exit.reason}).`
    case 'killed':
      return `was lost: its process was ended by signal ${exit.signal}.`
    case 'exited':
      return source === 'command'
        ? `was lost: its command ended with code ${exit.code}.`
        : `was lost: its process ended (code ${exit.code}).`
  }
}

/** What ffmpeg says on common mistakes, and what that means. The first match counts. */
const hints: readonly (readonly [RegExp, string])[] = [
  [/\b401\b|unauthorized/i, 'The camera refuses the user name or password.'],
  [/\b403\b|forbidden/i, 'The camera forbids this user to see this stream.'],
  [/\b404\b|not found\b.*rtsp|stream not found/i, 'The camera knows no stream at this address; check its path.'],
  [
    /4XX Client Error/,
    'The camera refuses to send: there is no video at this address, or it has too many viewers, or not this transport.',
  ],
  [/5XX Server Error/, 'The camera itself reports an error; restarting it may help.'],
  [/connection refused/i, 'Nothing answers at this address and port; is the camera on, and is RTSP switched on in it?'],
  [/no route to host|network is unreachable/i, 'There is no way to this address; check the network and the address.'],
  [/failed to resolve|name or service not known|temporary failure in name/i, "The camera's host name is not known."],
  [/timed out|timeout/i, 'The camera does not answer.'],
  [
    /matches no streams|does not contain any stream/i,
    'There is no video in it. Choose a file or a stream with video in H.264.',
  ],
  [/no such file or directory/i, 'There is no such file. Check its path in the settings.'],
  [/permission denied/i, 'The recorder may not read it.'],
  [/invalid data found/i, 'What comes from there is no video, or nothing comes.'],
]

function hintFrom(words: readonly string[]): string {
  const said = words.join('\n')
  const hint = hints.find(([pattern]) => pattern.test(said))
  if (hint !== undefined) return ` ${hint[1]}`
  const last = words.at(-1)
  return last === undefined ? '' : ` Its last words: "${last.slice(0, lastWordsMax)}".`
}

/** A sentence stays one line on a terminal of ordinary width; the log has all of the last words. */
const lastWordsMax = 160

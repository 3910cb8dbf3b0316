/** What the installed ffmpeg can do. Asked when the service starts; a recorder without ffmpeg starts all the same. */
import { execFile } from 'node:child_process'
import { type CommandFacts, debianFfmpeg } from '../capture/camera-command.ts'

const answerMsMax = 10_000

/** Never fails: without an answer it is taken for Debian's, and the camera's own first try says what is wrong. */
export async function inspectFfmpeg(): Promise<CommandFacts> {
  const [version, text] = await Promise.all([
    answer(['-hide_banner', '-version']),
    answer([
      ...['-hide_banner', '-loglevel', 'error', '-nostdin', '-f', 'lavfi', '-i', 'color=size=64x64:rate=1'],
      ...['-vf', 'drawtext=text=x', '-frames:v', '1', '-f', 'null', '-'],
    ]),
  ])
  if (version.failed) return debianFfmpeg
  // Builds from a development tree say `N-…`: they are newer than any release.
  const major = Number(/^ffmpeg version (\d+)\./m.exec(version.words)?.[1] ?? Number.POSITIVE_INFINITY)
  return { stimeout: major < 5, drawsText: !text.failed }
}

function answer(args: readonly string[]): Promise<{ readonly failed: boolean; readonly words: string }> {
  return new Promise((resolve) => {
    execFile('ffmpeg', args, { timeout: answerMsMax, killSignal: 'SIGKILL' }, (error, words) => {
      resolve({ failed: error !== null, words })
    })
  })
}

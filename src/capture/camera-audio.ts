/**
 * How is the sound of a camera coded? AAC may be copied, everything else must be converted, and ffmpeg cannot be told
 * "whichever it is": so ffprobe is asked first, only where sound is wanted. Without an answer sound is converted, which
 * is right for every coding and costs a little CPU.
 */
import { type CommandFacts, rtspAddress } from './camera-command.ts'
import type { LifeWorld } from './camera-life.ts'
import type { CameraSource } from './camera-source.ts'
import type { ChildCommand } from './child.ts'

const answerMsMax = 10_000
/** One word is expected. */
const answerBytesMax = 100

export async function audioCodecOf(
  world: LifeWorld,
  camera: { readonly source: CameraSource; readonly facts: CommandFacts },
  signal: AbortSignal,
): Promise<string | undefined> {
  const command = question(camera.source, camera.facts)
  if (command === undefined) return undefined
  let answer = ''
  const child = world.children.start(command, {
    onBytes: (bytes) => {
      answer = (answer + Buffer.from(bytes).toString('latin1')).slice(0, answerBytesMax)
    },
    onLine: () => {},
  })
  const enough = new AbortController()
  const wake = (): void => enough.abort()
  void child.exit.then(wake)
  signal.addEventListener('abort', wake, { once: true })
  await world.clock.sleep(answerMsMax, enough.signal)
  signal.removeEventListener('abort', wake)
  await child.stop()
  return /^[a-z0-9_]+/.exec(answer)?.[0]
}

function question(source: CameraSource, facts: CommandFacts): ChildCommand | undefined {
  if ((source.kind !== 'rtsp' && source.kind !== 'file') || source.audio !== true) return undefined
  const { url, secrets } = source.kind === 'rtsp' ? rtspAddress(source) : { url: `file:${source.path}`, secrets: [] }
  const timeout = [facts.stimeout ? '-stimeout' : '-timeout', '5000000']
  const input = source.kind === 'rtsp' ? ['-rtsp_transport', source.transport ?? 'tcp', ...timeout] : []
  const ask = [
    '-select_streams',
    'a:0',
    '-show_entries',
    'stream=codec_name',
    '-of',
    'default=nokey=1:noprint_wrappers=1',
  ]
  return { argv: ['ffprobe', '-v', 'error', ...input, ...ask, '-i', url], secrets, members: 'one' }
}

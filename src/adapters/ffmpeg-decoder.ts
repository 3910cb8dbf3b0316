/**
 * Decodes footage with the real ffmpeg and throws the pictures away: what it complains about is the verdict. Bytes go in
 * through a pipe as fast as it takes them, so that nothing is held here.
 *
 * ffmpeg leaves with 0 after most damage; its words on standard error decide. Time stamps are passed through, or an hour
 * without motion would be filled with repeated pictures.
 */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { limits } from '../base/limits.ts'
import type { Decoder, DecodeVerdict, Decoding } from '../reader/decoder.ts'

/** Lines of complaint kept of one object; a damaged hour would make thousands. The rest is counted. */
const linesMax = 5

const missing: DecodeVerdict = {
  kind: 'missing',
  message:
    'ffmpeg was not found on this machine. Install it (Debian: apt-get install ffmpeg), or leave the decoding out with --no-decode.',
}

export function ffmpegDecoder(program = 'ffmpeg'): Decoder {
  return { begin: () => begin(program) }
}

function begin(program: string): Decoding {
  const options = ['-nostdin', '-hide_banner', '-v', 'error', '-f', 'mpegts', '-i', 'pipe:0']
  const child = spawn(program, [...options, '-map', '0:v:0', '-fps_mode', 'passthrough', '-f', 'null', '-'], {
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  const words = collectLines(child)
  let gone = false
  const ended = new Promise<DecodeVerdict>((resolve) => {
    child.on('error', (error: NodeJS.ErrnoException) => {
      gone = true
      if (error.code === 'ENOENT') resolve(missing)
      else resolve({ kind: 'missing', message: `ffmpeg could not be started (${error.code ?? 'unknown error'}).` })
    })
    child.on('close', (code, signal) => {
      gone = true
      const said = words()
      if (code === 0 && said === '') resolve({ kind: 'decoded' })
      else resolve({ kind: 'undecodable', words: said || `ffmpeg ended with ${signal ?? code} and said nothing.` })
    })
  })
  // It may leave before it has read everything; its exit says why, not the broken pipe.
  child.stdin.on('error', () => {})
  child.stdout.resume()
  return {
    async write(bytes) {
      if (gone || child.stdin.destroyed || child.stdin.write(bytes)) return
      await Promise.race([new Promise((resolve) => child.stdin.once('drain', resolve)), ended])
    },
    finish() {
      child.stdin.end()
      return ended
    },
    cancel: () => {
      child.kill('SIGKILL')
    },
  }
}

/** Bounded: some lines of some length, and how many more there were. */
function collectLines(child: ChildProcessWithoutNullStreams): () => string {
  const lines: string[] = []
  let more = 0
  let rest = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    const parts = `${rest}${text}`.split('\n')
    rest = (parts.pop() ?? '').slice(0, limits.childLineBytesMax)
    for (const line of parts) {
      if (line.trim() === '') continue
      if (lines.length < linesMax) lines.push(line.slice(0, limits.childLineBytesMax))
      else more += 1
    }
  })
  return () => {
    if (rest.trim() !== '' && lines.length < linesMax) lines.push(rest)
    const clean = lines.map((line) => line.replace(/ @ 0x[0-9a-f]+/g, '').trim())
    return clean.join('; ') + (more > 0 ? `; and ${more} more lines` : '')
  }
}

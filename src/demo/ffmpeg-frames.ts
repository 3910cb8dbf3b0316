/** Frame hashes by ffmpeg, which knows nothing of our splitter: the second witness of the proof. */
import { spawn } from 'node:child_process'
import { createReadStream } from 'node:fs'
import type { Readable } from 'node:stream'

/** Stream, DTS, PTS, duration, size, hash; side data may follow. Source: the header that ffmpeg's framehash prints. */
const hashColumn = 5
/** Standard error kept for a failure, in characters. */
const wordsMax = 500

/**
 * SHA-256 of the elementary stream of each video frame, in order of the stream, as ffmpeg's `framehash` prints it.
 *
 * @param source MPEG-TS: the path of a file, or a stream
 * @throws with ffmpeg's own words if it cannot be started or does not end well
 */
export async function frameHashes(source: string | Readable): Promise<string[]> {
  const input = typeof source === 'string' ? createReadStream(source) : source
  const args = ['-hide_banner', '-loglevel', 'error', '-f', 'mpegts', '-i', 'pipe:0']
  const child = spawn('ffmpeg', [...args, '-map', '0:v:0', '-c', 'copy', '-f', 'framehash', '-hash', 'sha256', '-'], {
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  let text = ''
  let words = ''
  child.stdout.setEncoding('utf8').on('data', (piece: string) => {
    text += piece
  })
  child.stderr.setEncoding('utf8').on('data', (piece: string) => {
    words = (words + piece).slice(-wordsMax)
  })
  // ffmpeg may stop reading early; its exit says why, not the broken pipe.
  child.stdin.on('error', () => {})
  input.on('error', () => child.stdin.destroy())
  input.pipe(child.stdin)
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', resolve)
  })
  if (code !== 0) throw new Error(`ffmpeg could not hash the frames (exit ${code}): ${words.trim()}`)
  return text
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.split(',')[hashColumn]?.trim() ?? '')
}

/**
 * How long does a recorder take to start with a large backlog? Opens a buffer of 2 GB as a power cut leaves it, with
 * nothing of it in the memory of the system, against reading one segment of it under the same condition. Each opening is
 * that of a process of its own, since code that has run before is not what a start has.
 *
 * The power cut is a copy of the database while the buffer is at work, beside the segments as they are then.
 */
import { spawnSync } from 'node:child_process'
import { cpSync, linkSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { systemClock } from '../../src/adapters/system-clock.ts'
import type { Bench } from './bench.ts'
import { header, makeDirectory, openBenchBuffer, removeDirectory, spilled, unitMaker } from './buffer-stage.ts'
import { MiB } from './noise.ts'
import { median } from './result.ts'

const track = 'video/gate'
const backlogBytes = 2e9
const memory = { spillAfterMs: 0, memoryBytes: 32 * MiB, memoryBytesPerCamera: 32 * MiB }

export const benchOpening: Bench = {
  name: 'opening',
  async open() {
    const directory = makeDirectory()
    const left = await makeBacklog(directory)
    const afterCut: number[] = []
    const afterStop: number[] = []
    const segment: number[] = []
    let forgot = forget(left.cut)
    return {
      async round() {
        const again = join(directory, 'again')
        copyOf(left.cut, again)
        forgot = forget(again)
        segment.push(timeOf(() => readFileSync(middleOf(again))))
        forget(again)
        afterCut.push(openingMs(again))
        rmSync(again, { recursive: true })
        forget(left.stopped)
        afterStop.push(openingMs(left.stopped))
      },
      results: () => [
        {
          name: 'opening 2 GB of backlog, cold',
          ...{ value: median(afterCut) / median(segment), unit: 'x', aim: 3, better: 'less' },
          baseline: `reading one segment cold takes ${median(segment).toFixed(0)} ms, opening ${median(afterCut).toFixed(0)} ms after a power cut and ${median(afterStop).toFixed(0)} ms after a stop; made cold by ${forgot}`,
          reason:
            'a third of it is checking the rows of 4,000 units one by one (buffer/rows.ts), in code that runs for the first time',
        },
      ],
      async close() {
        removeDirectory(directory)
      },
    }
  },
}

async function makeBacklog(directory: string): Promise<{ readonly cut: string; readonly stopped: string }> {
  const [cut, stopped] = [join(directory, 'cut'), join(directory, 'stopped')]
  mkdirSync(stopped)
  const buffer = await openBenchBuffer(stopped, { memory })
  const unit = unitMaker()
  buffer.begin(track, { startMonoMs: 1_000, video: header })
  const [id] = buffer.held()
  if (id === undefined) throw new Error('the buffer holds the recording that began')
  await buffer.claim(id, { key: 'video/gate/a.ts', playlistKey: 'video/gate/a.m3u8', token: 'bench' })
  const { length } = unit(0).bytes
  for (let index = 0; index * length < backlogBytes; index += 1) {
    buffer.put(track, unit(index))
    await spilled(buffer, (index - 24) * length)
  }
  await spilled(buffer, backlogBytes)
  copyOf(stopped, cut)
  await buffer.close()
  return { cut, stopped }
}

/** Segments are never changed once they are written, so that the copy may share them. */
function copyOf(from: string, to: string): void {
  mkdirSync(join(to, 'segments'), { recursive: true })
  for (const name of segmentsOf(from)) linkSync(join(from, 'segments', name), join(to, 'segments', name))
  cpSync(join(from, 'index'), join(to, 'index'), { recursive: true })
  rmSync(join(to, 'index', 'LOCK'), { force: true })
}

const segmentsOf = (directory: string): string[] => readdirSync(join(directory, 'segments')).sort()

function middleOf(directory: string): string {
  const names = segmentsOf(directory)
  return join(directory, 'segments', names[names.length >> 1] ?? '')
}

function openingMs(directory: string): number {
  const child = fileURLToPath(new URL('./opening-child.js', import.meta.url))
  const ran = spawnSync(process.execPath, [child, directory], { encoding: 'utf8' })
  if (ran.status !== 0) throw new Error(`The buffer does not open: ${ran.stderr}`)
  const { ms, bytes } = JSON.parse(ran.stdout) as { readonly ms: number; readonly bytes: number }
  if (bytes < backlogBytes) throw new Error('all of the backlog is there')
  return ms
}

function timeOf(work: () => unknown): number {
  const since = systemClock.mono()
  work()
  return systemClock.mono() - since
}

/** Takes files out of the system's memory, and says how. */
function forget(directory: string): string {
  spawnSync('sync', ['-f', directory])
  try {
    writeFileSync('/proc/sys/vm/drop_caches', '3')
    return '/proc/sys/vm/drop_caches'
  } catch {
    const folders = [join(directory, 'segments'), join(directory, 'index')]
    const files = folders.flatMap((folder) => readdirSync(folder).map((name) => join(folder, name)))
    // With a count of 0, GNU dd asks the kernel to forget the whole file (POSIX_FADV_DONTNEED).
    const done = files.every((file) => spawnSync('dd', [`if=${file}`, 'iflag=nocache', 'count=0']).status === 0)
    return done ? 'dd iflag=nocache' : 'nothing: it was warm'
  }
}

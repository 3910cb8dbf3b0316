/**
 * Bugs to plant: a text of the compiled recorder, what stands there instead, and which of the simulator's rules may find
 * it. Each is a mistake that somebody could make in good faith. The text must be there exactly once; where the code has
 * changed, the bug must be planted anew.
 */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

export interface Tooth {
  readonly name: string
  /** Below the compiled folder. */
  readonly file: string
  readonly from: string
  readonly to: string
  /** Rules of the simulator, any of which finds it. */
  readonly foundBy: readonly string[]
}

export const teeth: readonly Tooth[] = [
  {
    name: 'a sync of the disk is skipped',
    file: 'test/sim/disk.js',
    from: 'file.syncedBytes = file.length;\n            let at = position;',
    to: 'let at = position;',
    foundBy: ['stored and lost'],
  },
  {
    name: 'a length is trusted without its checksum',
    file: 'src/uplink/append-plan.js',
    from: "if (below.extent.crc64 !== crc64)\n            return misfit('different');",
    to: '',
    foundBy: ['wrong end', 'not a unit', 'order', 'playlist', 'lost', 'fatal'],
  },
  {
    name: 'a chunk is confirmed before the reply',
    file: 'src/uplink/drain.js',
    from: 'const answer = await store.append(request, signal);',
    to: 'await source.landed(expect, count);\n    const answer = await store.append(request, signal);',
    foundBy: ['published early', 'fatal', 'not asked', 'lost'],
  },
  {
    name: 'what is in flight may be evicted',
    file: 'src/buffer/holding.js',
    from: 'export const isPinned = ({ chunk, owner }) => chunk.seq < owner.pinnedBelow;',
    to: 'export const isPinned = () => false;',
    foundBy: ['unit twice', 'not asked', 'wrong end', 'fatal', 'no end', 'order', 'playlist'],
  },
  {
    name: 'a playlist is forgotten after a restart',
    file: 'src/uplink/playlist-job.js',
    from: 'scanned = ended ? media.extent.length : position.mediaBytes;',
    to: 'scanned = media.extent.length;',
    foundBy: ['playlist', 'no end mark', 'no playlist'],
  },
  {
    name: 'after a failure it is sent again without asking',
    file: 'src/uplink/append-plan.js',
    from: "if (before.at !== 'aligned' && before.at !== 'unknown')\n        return { at: 'unknown' };",
    to: "if (before.at === 'aligned')\n        return before;\n    if (before.at !== 'unknown')\n        return { at: 'unknown' };",
    foundBy: ['blind append'],
  },
  {
    name: 'every claim has the same token',
    file: 'src/uplink/claims.js',
    from: 'const token = context.random.hex(tokenBytes);',
    to: "const token = '00'.repeat(tokenBytes);",
    foundBy: [
      'order',
      'line lost',
      'unit twice',
      'no line',
      'no end',
      'two ends',
      'lost',
      'wrong end',
      'playlist',
      'not asked',
    ],
  },
  {
    name: 'what an earlier life may have left is not read back',
    file: 'src/uplink/append-plan.js',
    from: "if (!inDoubt)\n        return misfit(isBehindAll ? 'longer' : 'torn');",
    to: "if (length >= 0)\n        return misfit(isBehindAll ? 'longer' : 'torn');",
    foundBy: ['wrong end', 'not asked', 'unit twice', 'no end', 'no line'],
  },
  {
    name: 'gap records are forgotten',
    file: 'src/buffer/core.js',
    from: 'losses.map((loss) => gapLine(loss, core.times))',
    to: '[]',
    foundBy: ['unexplained gap', 'lost'],
  },
  {
    name: 'a name is used before it is durable',
    file: 'src/buffer/buffer.js',
    from: 'await patiently(core, kv.write(holdings.takeRows(), true), () => {\n                late = true;\n            });',
    to: 'void kv.write(holdings.takeRows(), false);',
    foundBy: ['no line', 'no end', 'unit twice'],
  },
  {
    name: 'the youngest goes to the disk first',
    file: 'src/buffer/stage.js',
    from: 'return found.reverse();',
    to: 'return found;',
    foundBy: ['lost too much', 'lost', 'stored and lost', 'unexplained gap', 'fatal'],
  },
  {
    name: 'a recording is in the catalogue before its first append',
    file: 'src/uplink/recording-job.js',
    from: 'const stepped = await step(world.store, sourceOf(held, claim), at, signal);',
    to: 'await noteOpened(held, claim);\n        const stepped = await step(world.store, sourceOf(held, claim), at, signal);',
    foundBy: ['published early'],
  },
  {
    name: 'a recording that has ended gets no end mark',
    file: 'src/uplink/playlist-job.js',
    from: 'text += playlistEnd;',
    to: "text += '';",
    foundBy: ['no end mark'],
  },
  {
    name: 'memory has no cap',
    file: 'src/buffer/stage.js',
    from: 'if (!overfull())',
    to: 'if (waitingSum >= 0)',
    foundBy: ['memory'],
  },
  {
    name: 'the mark of an orderly stop stays',
    file: 'src/buffer/open-buffer.js',
    from: 'const marks = [cleanKey, rebuildingKey]',
    to: 'const marks = [rebuildingKey]',
    foundBy: ['fatal', 'wrong end', 'unexplained gap', 'lost', 'not asked', 'order', 'unit twice'],
  },
  {
    name: 'a killed process leaves no doubt',
    file: 'src/buffer/recovery.js',
    from: 'if (!loaded.clean)\n        doubt(',
    to: 'if (false)\n        doubt(',
    foundBy: ['wrong end', 'unit twice', 'not asked', 'unexplained gap', 'lost', 'order'],
  },
  {
    name: 'footage is read from the disk without looking at its checksum',
    file: 'src/buffer/chunk-reader.js',
    from: 'read.value.length !== held.chunk.length || crc64(read.value) !== held.chunk.crc64',
    to: 'read.value.length !== held.chunk.length',
    foundBy: ['not a unit', 'wrong end', 'order', 'does not drain'],
  },
  {
    name: 'a confirmation is believed to be somebody else’s business: lines are offered before their row',
    file: 'src/buffer/lines.js',
    from: 'held.early = true',
    to: 'held.early = false',
    foundBy: ['does not drain', 'does not stop', 'line lost'],
  },
  {
    name: 'the loop spins while it waits',
    file: 'src/uplink/uplink.js',
    from: 'return Math.min(...waiting.map(goesAt).filter((at) => at > now), now + turnMs) - now;',
    to: 'return 0;',
    foundBy: ['broken', 'hangs'],
  },
]

/** @throws if the text is not there exactly once */
export async function plant(folder: string, { file, from, to, name }: Tooth): Promise<void> {
  const path = join(folder, file)
  const text = await readFile(path, 'utf8')
  const times = text.split(from).length - 1
  if (times !== 1) throw new Error(`'${name}' cannot be planted: its text is ${times} times in ${file}`)
  await writeFile(
    path,
    text.replace(from, () => to),
  )
}

/**
 * Bad weather for one recorder: its card is pulled and put back, filled, made read-only, made to hang, while the network
 * comes and goes. At the end everything that was captured is in the store, or a gap names it. `ROUNDS` and `SEED` from the environment.
 */
import { readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { seededRandom } from '../../src/base/random.ts'
import { inNamespace, inNamespaceOf } from '../support/namespace.ts'
import { badFindings, createRig, type Rig } from '../support/rig.ts'

const rounds = Number(process.env.ROUNDS ?? 24)
const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 1e6))
const hangingDisk = new URL('../support/hanging-disk.mjs', import.meta.url).href

/** The card is a file system of its own behind two doors: what is pulled and put back is the same card. */
const cardIn =
  'mkdir -p "$0/backing" "$0/card" && mount -t tmpfs -o size=40m tmpfs "$0/backing" && mount --bind "$0/backing" "$0/card"'

interface Weather {
  readonly name: string
  begin(rig: Rig): Promise<unknown>
  end(rig: Rig): Promise<unknown>
}
const sh = (rig: Rig, script: string): Promise<void> => inNamespaceOf(rig.pid(), 'sh', '-c', script, rig.directory)

const weathers: readonly Weather[] = [
  { name: 'calm', begin: async () => {}, end: async () => {} },
  {
    name: 'pulled',
    begin: (rig) => sh(rig, 'umount -l "$0/card"'),
    end: (rig) => sh(rig, 'mount --bind "$0/backing" "$0/card"'),
  },
  {
    name: 'full',
    begin: (rig) => sh(rig, 'dd if=/dev/zero of="$0/backing/ballast" bs=4k 2>/dev/null || true'),
    end: (rig) => sh(rig, 'rm "$0/backing/ballast"'),
  },
  {
    name: 'read-only',
    // A second door before the first: a file that is open for writing keeps that one from being closed.
    begin: (rig) => sh(rig, 'mount --bind "$0/backing" "$0/card" && mount -o remount,bind,ro "$0/card"'),
    end: (rig) => sh(rig, 'umount -l "$0/card"'),
  },
  {
    name: 'hanging',
    begin: (rig) => writeFile(join(rig.directory, 'hang'), '0'),
    async end(rig) {
      await rm(join(rig.directory, 'hang'))
      // Whoever reads them lets the calls go.
      for (const folder of await readdir(rig.directory)) {
        if (folder.startsWith('pipes-'))
          await sh(rig, `cd "$0/${folder}" && for one in *; do timeout 0.3 cat "$one"; done; true`)
      }
    },
  },
]

test(`everything that was captured is there or named (SEED=${seed}, ROUNDS=${rounds})`, async () => {
  const random = seededRandom(seed)
  const one = <T>(list: readonly T[]): T => list[Math.floor(random.fraction() * list.length)] as T
  const rig = await createRig({
    edit: (text) =>
      text.replace(
        /^buffer: .*directory: "(.*)\/buffer".*$/m,
        (_, directory: string) =>
          `buffer: { mountPoint: ${directory}/card, directory: ${directory}/card/buffer, quotaBytes: 64MiB, minFreeBytes: 1MB }`,
      ),
    under: inNamespace(cardIn),
    preload: (directory) => [`${hangingDisk}?${encodeURIComponent(directory)}`],
  })
  const story: string[] = []
  const tell = (line: string): void => void story.push(line)
  try {
    rig.start()
    await rig.until('it records', ({ uplink }) => uplink.bytesConfirmed > 0)
    for (let round = 0; round < rounds; round += 1) {
      const weather = one(weathers)
      const offline = random.fraction() < 0.5
      const forMs = 2_000 + random.fraction() * 12_000
      tell(`${weather.name}${offline ? ', offline' : ''} for ${Math.round(forMs)} ms`)
      await weather.begin(rig)
      rig.server.setOffline(offline)
      await sleep(forMs)
      if (random.fraction() < 0.5) rig.server.setOffline(false)
      await weather.end(rig)
      rig.server.setOffline(false)
      await rig.until(
        'calm again',
        ({ buffer, uplink }) => buffer.problem === null && uplink.backlogBytes < 600_000,
        60_000,
      )
    }
    expect(await rig.stop()).toBe(0)
    expect(badFindings(await rig.prove())).toEqual([])
    const verified = await rig.command('verify')
    expect(verified).toMatchObject({ code: 0 })
  } catch (error) {
    throw new Error(`${story.join('\n')}\n${error instanceof Error ? error.message : String(error)}`)
  } finally {
    await rig.close()
  }
}, 3_600_000)

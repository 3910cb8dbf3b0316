import { spawn } from 'node:child_process'
import { mkdir, mkdtemp, readdir, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { levelStore } from '../../src/adapters/level-store.ts'
import { mountedFolder, NotMounted } from '../../src/adapters/mounted-folder.ts'
import { segmentFiles } from '../../src/adapters/segment-files.ts'
import { inNamespace } from '../support/namespace.ts'
import { compiledSrc } from '../support/run-ts.ts'

let folder: string
let card: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'watchpost-mount-'))
  card = join(folder, 'card')
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const missing = { ok: false, error: { kind: 'io', message: expect.stringContaining('nothing is mounted at') } }

describe('while nothing is mounted', () => {
  test.each([true, false])('no segment and no index is made beneath (the folder is there: %s)', async (there) => {
    if (there) await mkdir(card)
    const disk = segmentFiles(join(card, 'buffer/segments'), card)
    const rows = levelStore(join(card, 'buffer/index'), card)
    expect(await disk.prepare()).toMatchObject(missing)
    expect(await disk.create(1)).toMatchObject(missing)
    expect(await disk.list()).toMatchObject(missing)
    // Neither may say that a file is gone: it comes back with the disk.
    expect(await disk.read(1, 0, 1)).toMatchObject(missing)
    expect(await disk.remove(1)).toMatchObject(missing)
    expect(await disk.truncate(1, 0)).toMatchObject(missing)
    expect(await disk.freeBytes()).toBeUndefined()
    expect(await rows.open()).toMatchObject(missing)
    expect(await rows.repair()).toMatchObject(missing)
    expect(await rows.setAside()).toMatchObject(missing)
    expect(await disk.setAside([1])).toMatchObject(missing)
    expect(await disk.dropAside()).toMatchObject(missing)
    expect(await readdir(folder)).toEqual(there ? ['card'] : [])
    if (there) expect(await readdir(card)).toEqual([])
  })

  test('a link is followed to the place it means', async () => {
    await mkdir(card)
    await symlink(card, join(folder, 'link'))
    await expect(mountedFolder(join(folder, 'link/buffer'), join(folder, 'link')).enter()).rejects.toThrow(NotMounted)
    // /proc is a file system of its own everywhere on Linux.
    await symlink('/proc', join(folder, 'proc'))
    const { path, leave } = await mountedFolder(join(folder, 'proc/self'), join(folder, 'proc')).enter()
    expect(await readdir(path)).toContain('maps')
    await leave()
  })
})

/**
 * One line of a script in a process whose mounts are its own: `disk`, `rows` and `sh` (a command, run to its end) are
 * there, `card` is the mount point. What it returns comes back.
 */
async function withMounts(script: string): Promise<unknown> {
  const dist = await compiledSrc()
  const program = `
    import { execFileSync } from 'node:child_process'
    import { segmentFiles } from ${JSON.stringify(join(dist, 'adapters/segment-files.js'))}
    import { levelStore } from ${JSON.stringify(join(dist, 'adapters/level-store.js'))}
    const card = ${JSON.stringify(card)}
    const disk = segmentFiles(card + '/buffer/segments', card)
    const rows = levelStore(card + '/buffer/index', card)
    const sh = (command) => execFileSync('sh', ['-c', command, card], { encoding: 'utf8' })
    const mount = () => sh('mount -t tmpfs -o size=8m tmpfs "$0"')
    const said = await (async () => { ${script} })()
    process.stdout.write(JSON.stringify(said))`
  const [command = '', ...args] = [
    ...inNamespace('true')(folder),
    process.execPath,
    '--input-type=module',
    '-e',
    program,
  ]
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  let out = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text
  })
  const code = await new Promise((resolve) => child.on('close', resolve))
  expect(code).toBe(0)
  return JSON.parse(out)
}

describe('a disk that comes and goes', () => {
  beforeEach(() => mkdir(card))

  test('is used as any other while it is mounted', async () => {
    const said = await withMounts(`
      mount()
      const file = (await disk.prepare()) && (await disk.create(1))
      const appended = await file.value.append(0, [Buffer.from('footage')])
      const opened = await rows.open()
      await opened.value.batch([{ type: 'put', key: 'a', value: 'b' }], true)
      await opened.value.close()
      return [appended.ok, Buffer.from((await disk.read(1, 0, 9)).value).toString(), sh('ls $0/buffer'), rows.running()]`)
    expect(said).toEqual([true, 'footage', 'index\nsegments\n', 0])
    expect(await readdir(card)).toEqual([])
  })

  test('what is open stays on it when it goes, and nothing lands beneath', async () => {
    // As if the recorder had once run without a mount point: the way is free.
    await mkdir(join(card, 'buffer/index'), { recursive: true })
    await mkdir(join(card, 'buffer/segments'))
    const said = await withMounts(`
      mount()
      await disk.prepare()
      const file = await disk.create(1)
      const opened = await rows.open()
      sh('umount -l "$0"')
      const late = [await file.value.append(0, [Buffer.from('late')]), await disk.create(2), await disk.remove(1)]
      for (let n = 0; n < 80; n += 1) await opened.value.batch([{ type: 'put', key: 'k' + n, value: 'x'.repeat(1e5) }], true)
      await opened.value.close()
      return [late.map(({ ok }) => ok), (await rows.open()).ok, sh('find "$0" -type f')]`)
    expect(said).toEqual([[true, false, false], false, ''])
  })

  test('is used again when it is back', async () => {
    const said = await withMounts(`
      const first = await disk.prepare()
      mount()
      const second = await disk.prepare()
      sh('umount "$0"')
      const third = await disk.create(1)
      mount()
      return [first.ok, second.ok, third.ok, (await disk.prepare()).ok, (await disk.create(1)).ok]`)
    expect(said).toEqual([false, true, false, true, true])
  })
})

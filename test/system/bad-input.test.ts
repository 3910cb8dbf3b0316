/**
 * What a person can get wrong, through the real command: each mistake has one sentence that names it and an exit code,
 * and neither a stack trace nor a secret is in anything that is said.
 */
import { execFile, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createRig, type Rig } from '../support/rig.ts'
import { type Ran, type RunCliOptions, runCli } from '../support/run-cli.ts'

const run = promisify(execFile)
/** Whatever is wrong, none of these may be shown. The last two are the camera's password as an address would hold it. */
const secrets = ['test-secret', 'wrong-secret', 'hush-hush', 'p@ss#word', 'p%40ss', 'viewer-7']

let rig: Rig
let good: string
let taken: Server
/** A camera that fails at once, where the mistake is elsewhere. */
const noCamera = "    kind: command\n    command: ['/no/such/camera']"
const at = (name: string): string => join(rig.directory, name)

beforeAll(async () => {
  rig = await createRig()
  good = await readFile(rig.settingsFile, 'utf8')
  await writeFile(at('file'), 'something')
  await mkdir(at('mounted'))
  const film = ['-v', 'error', '-nostdin', '-f', 'lavfi']
  const h265 = ['-c:v', 'libx265', '-x265-params', 'log-level=none:keyint=15']
  await run('ffmpeg', [...film, '-i', 'testsrc2=size=160x120:rate=15', '-t', '3', ...h265, at('h265.mp4')])
  await run('ffmpeg', [...film, '-i', 'sine', '-t', '3', '-c:a', 'aac', at('sound.mp4')])
  taken = createServer()
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve))
})
afterAll(async () => {
  taken?.close()
  await rig?.close()
})

let files = 0
/** The good settings with one mistake, as the path of a file. */
async function settings(edit: (text: string) => string): Promise<string> {
  const text = edit(good)
  expect(text).not.toBe(good)
  files += 1
  const path = at(`settings-${files}.yaml`)
  await writeFile(path, text, { mode: 0o600 })
  return path
}
const camera =
  (lines: string) =>
  (text: string): string =>
    text.replace(/ {4}kind: test[\s\S]*?bitsPerS: \d+/, lines)
const bufferIn =
  (directory: string) =>
  (text: string): string =>
    text.replace(at('buffer'), directory)

function sayNothingWrong({ out, problem, code }: Ran): void {
  const said = out + problem
  for (const secret of secrets) expect(said).not.toContain(secret)
  expect(said).not.toMatch(/^\s+at |node:internal|TypeError|Unexpected failure|assumption/m)
  // A person gets a sentence, and standard error ends with a whole line.
  if (code !== 0) expect(problem).toMatch(/[.?)]\n$|systemctl start watchpost\n$|--config \S+\n$|a\/key\n$/)
}

/** Runs `name` with settings that have one mistake. */
async function withMistake(name: string, edit: (text: string) => string, options: RunCliOptions = {}): Promise<Ran> {
  const ran = await runCli([name, '--config', await settings(edit)], options)
  sayNothingWrong(ran)
  return ran
}

/** A mount namespace of its own: what is mounted there is gone with the command, whatever happens to the test. */
function mounting(options: string, then = ''): string[] {
  const own = spawnSync('unshare', ['--mount', 'true']).status === 0 ? [] : ['--map-root-user']
  const mount = `mount -t tmpfs -o ${options} tmpfs "$0" && { ${then === '' ? ':' : then}; exec "$@"; }`
  return ['unshare', ...own, '--mount', 'sh', '-c', mount, at('mounted')]
}
const full = (): string[] => mounting('size=64k', 'dd if=/dev/zero of="$0/junk" bs=4k 2>/dev/null')

describe.concurrent('settings', () => {
  test.each([
    [
      'an unknown one',
      'framesPerS:',
      'framesPerSecond:',
      'cameras[0].framesPerSecond (line 15) is not a setting; known here are name, kind',
    ],
    ['a wrong type', 'width: 960', 'width: wide', 'cameras[0].width (line 13) is "wide"; it must be a whole number'],
    ['no bucket', /bucket: .*\n {2}/, '', 'store.bucket is missing; it must be 3 to 63 lower-case letters'],
    ['a bad schedule', "'*/15 * * * * *'", 'hourly', 'report.schedule (line 19) is "hourly"; it must be'],
    ['no key', /\n {2}credentials: .*/, '', 'store.credentials'],
    ['a secret as a number', 'test-secret', '12345678', 'store.credentials.accessKeySecret (line 9) is'],
    ['a prefix with a slash', 'site-1', '/site-1', 'store.prefix (line 8) is "/site-1"; it must be'],
  ])('with %s', async (_name, from, to, sentence) => {
    const ran = await withMistake('run', (text) => text.replace(from, to))
    expect(ran).toMatchObject({ code: 2, out: '', problem: expect.stringContaining(sentence) })
    expect(ran.problem).not.toContain('12345678')
  })

  test('that are not there', async () => {
    const ran = await runCli(['run', '--config', at('absent.yaml')])
    expect(ran).toMatchObject({ code: 2, problem: expect.stringContaining('does not exist; make it with: watchpost') })
    sayNothingWrong(ran)
  })
})

describe.concurrent('a store', () => {
  test.each([
    ['without that bucket', 'bucket: test-', 'bucket: other-', 'NoSuchBucket', 'Check store.bucket, store.region'],
    ['that knows no such key', 'test-key', 'wrong-key', 'InvalidAccessKeyId', 'Check the access key'],
    [
      'with another secret',
      'test-secret',
      'wrong-secret',
      'SignatureDoesNotMatch',
      'Check the secret of the access key',
    ],
    ['in another region', 'cn-hangzhou', 'cn-beijing', 'signing region', "Check store.region: it is not the bucket's."],
  ])('%s', async (_name, from, to, reason, advice) => {
    const ran = await withMistake('check', (text) => camera(noCamera)(text).replace(from, to))
    expect(ran).toMatchObject({ code: 3, problem: 'The store would not take footage; see above.\n' })
    const line = ran.out.split('\n').find((one) => one.startsWith('✗ store'))
    expect(line).toContain(reason)
    expect(line).toContain(advice)
  })

  test('that nobody serves', async () => {
    const ran = await withMistake('check', (text) =>
      camera(noCamera)(text).replace(/endpoint: .*/, 'endpoint: http://127.0.0.1:9'),
    )
    expect(ran).toMatchObject({ code: 3, out: expect.stringContaining('nobody listens at that address') })
  })

  test('and a key with a leading slash', async () => {
    const ran = await rig.command('append', '/a/key', at('file'))
    expect(ran).toMatchObject({ code: 2, problem: 'The key begins with /; OSS refuses that. Leave it out: a/key\n' })
    sayNothingWrong(ran)
  })
})

describe.concurrent('a camera', () => {
  const login = "\n    user: viewer-7\n    password: 'p@ss#word'"
  test.each([
    [
      'that does not answer',
      () => `    kind: rtsp\n    url: rtsp://127.0.0.1:9/live${login}`,
      'Nothing answers at this address',
    ],
    ['whose program is not there', () => noCamera, "cannot start: the program '/no/such/camera' was not found"],
    ['whose program ends', () => "    kind: command\n    command: ['false']", 'its command ended with code 1'],
    ['whose program says nonsense', () => "    kind: command\n    command: ['yes']", 'something that is not MPEG-TS'],
    ['whose film is not there', () => '    kind: file\n    path: /no/such/film.mp4', 'There is no such file'],
    ['without video', () => `    kind: file\n    path: ${at('sound.mp4')}`, 'There is no video in it'],
    ['that sends H.265', () => `    kind: file\n    path: ${at('h265.mp4')}`, 'sends H.265 (HEVC)'],
  ])('%s', async (_name, lines, sentence) => {
    const ran = await withMistake('check', camera(lines()))
    expect(ran).toMatchObject({ code: 1, problem: 'The recorder would not work as it is set; see above.\n' })
    const line = ran.out.split('\n').find((one) => one.startsWith('✗'))
    expect(line).toContain(`✗ camera gate: Camera 'gate' `)
    expect(line).toContain(sentence)
  })
})

describe('a disk', () => {
  test.each([
    // The recorder starts on the first three, and records in memory: see `broken-disk.test.ts`.
    ['that is full', () => bufferIn(at('mounted')), full, undefined, /has 0 B free, less than buffer.minFreeBytes/],
    [
      'that is read-only',
      () => bufferIn(at('mounted')),
      () => mounting('ro'),
      undefined,
      /cannot be written .*read-only/,
    ],
    [
      'that is not mounted',
      () => (text: string) =>
        bufferIn(at('mounted/buffer'))(text).replace('buffer: {', `buffer: { mountPoint: ${at('mounted')},`),
      () => [],
      undefined,
      /buffer cannot be used: nothing is mounted at .*mounted \(buffer\.mountPoint\)/,
    ],
    [
      'with a file where the folder should be',
      () => bufferIn(at('file')),
      () => [],
      'is not a directory. Choose another',
      /file is not a folder/,
    ],
  ])('%s', async (_name, edit, under, atRun, atCheck) => {
    if (atRun !== undefined) {
      const ran = await withMistake('run', edit(), { under: under() })
      expect(ran).toMatchObject({ code: 3, out: '', problem: expect.stringContaining(atRun) })
    }
    const checked = await withMistake('check', (text) => edit()(camera(noCamera)(text)), { under: under() })
    expect(checked.code).toBe(1)
    expect(checked.out.split('\n').find((line) => line.startsWith('✗ buffer'))).toMatch(atCheck)
  })

  test('with no place for the objects of the stand-in', async () => {
    const key = ['--access-key-id', 'somebody', '--access-key-secret', 'hush-hush']
    const ran = await runCli(['oss-server', '--bucket', 'footage', '--dir', at('file'), '--port', '0', ...key])
    expect(ran).toMatchObject({
      code: 3,
      problem: expect.stringContaining(`The directory ${at('file')} cannot be used`),
    })
    sayNothingWrong(ran)
  })
})

describe('what is in use already', () => {
  test('a port', async () => {
    const port = String((taken.address() as AddressInfo).port)
    const view = await rig.command('view', '--port', port)
    expect(view).toMatchObject({
      code: 4,
      problem: expect.stringContaining(`Port ${port} on 127.0.0.1 is in use. Choose`),
    })
    const key = ['--access-key-id', 'somebody', '--access-key-secret', 'hush-hush']
    const store = await runCli(['oss-server', '--bucket', 'footage', '--dir', at('oss'), '--port', port, ...key])
    expect(store).toMatchObject({
      code: 4,
      problem: expect.stringContaining(`Port ${port} is in use by another program`),
    })
    sayNothingWrong(view)
    sayNothingWrong(store)
  })

  test('a buffer, a socket; and the status of a recorder that does not run', async () => {
    const absent = await rig.command('status')
    expect(absent).toMatchObject({
      code: 3,
      out: '',
      problem: expect.stringContaining('The recorder is not running: nobody answers'),
    })
    rig.start()
    await rig.until('it runs', () => true)
    const sameBuffer = await withMistake('run', (text) => text.replace('control.sock', 'other.sock'))
    expect(sameBuffer).toMatchObject({
      code: 4,
      problem: expect.stringContaining('Another process uses the buffer in'),
    })
    const sameSocket = await withMistake('run', bufferIn(at('other-buffer')))
    expect(sameSocket).toMatchObject({ code: 4, problem: expect.stringMatching(/A recorder answers on .* already/) })
    // The one that was there first is not disturbed by either.
    expect(await rig.command('status')).toMatchObject({ code: 0, problem: '' })
    expect(await rig.stop()).toBe(0)
    for (const ran of [absent, sameBuffer, sameSocket]) sayNothingWrong(ran)
    const log = readFileSync(at('recorder.log'), 'utf8')
    for (const secret of secrets) expect(log).not.toContain(secret)
  })
})

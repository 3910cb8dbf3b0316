import { describe, expect, test } from 'vitest'
import { Secret } from '../../src/base/secret.ts'
import { commandFor, debianFfmpeg, rtspAddress } from '../../src/capture/camera-command.ts'
import type { CameraSource, RtspSource } from '../../src/capture/camera-source.ts'

function argvOf(source: CameraSource, facts = debianFfmpeg): string {
  const command = commandFor('door', source, facts)
  if (!command.ok) throw new Error(command.error)
  return command.value.argv.join(' ')
}

const camera: RtspSource = { kind: 'rtsp', url: 'rtsp://192.0.2.7:554/stream1?x=1' }
const pattern = { kind: 'test', width: 640, height: 360, framesPerS: 15, gopS: 2, bitsPerS: 800_000 } as const

describe('the command of a camera', () => {
  test.each([
    ['rtsp', camera],
    ['file', { kind: 'file', path: '/yard.mp4' }],
  ] as const)('copies the pictures of %s and drops its sound', (_kind, source) => {
    const argv = argvOf(source)
    expect(argv).toContain('-map 0:v:0 -an -c:v copy')
    expect(argv).toContain('-f mpegts -muxdelay 0 -muxpreload 0 -pat_period 60 -sdt_period 60 -flush_packets 1 pipe:1')
    expect(argv).not.toMatch(/wallclock|output_ts_offset/)
  })

  test('copies AAC and converts every other sound, if it is wanted', () => {
    const loud = { ...camera, audio: true }
    expect(argvOf(loud, { ...debianFfmpeg, audioCodec: 'aac' })).toContain('-c:v copy -c:a copy')
    expect(argvOf(loud, { ...debianFfmpeg, audioCodec: 'pcm_alaw' })).toContain('-c:a aac -b:a 32k')
    expect(argvOf(loud)).toContain('-c:a aac -b:a 32k')
    expect(argvOf(loud)).not.toContain('-allowed_media_types')
    expect(argvOf(camera)).toContain('-allowed_media_types video')
  })

  test('knows the time limit by its older name', () => {
    expect(argvOf(camera)).toContain('-timeout 5000000')
    expect(argvOf(camera, { ...debianFfmpeg, stimeout: true })).toContain('-stimeout 5000000')
  })

  test('asks for the transport the camera needs', () => {
    expect(argvOf(camera)).toContain('-rtsp_transport tcp')
    expect(argvOf({ ...camera, transport: 'udp' })).toContain('-rtsp_transport udp')
  })

  test('gives the test pattern its keyframes, its rate, and a clock where text can be drawn', () => {
    const argv = argvOf(pattern)
    expect(argv).toContain('testsrc2=size=640x360:rate=15')
    expect(argv).toContain('-g 30 -keyint_min 30 -sc_threshold 0 -b:v 800000')
    expect(argv).toContain('gmtime')
    expect(argv).toContain("text='door'")
    expect(argvOf(pattern, { ...debianFfmpeg, drawsText: false })).not.toContain('drawtext')
  })

  test('takes a path for a file, whatever it looks like', () => {
    expect(argvOf({ kind: 'file', path: 'concat:/a|/b' })).toContain('-i file:concat:/a|/b')
  })

  test('of many members is guarded as a group', () => {
    expect(commandFor('door', { kind: 'command', command: 'a | b' }, debianFfmpeg)).toMatchObject({
      ok: true,
      value: { argv: ['sh', '-c', 'a | b'], members: 'many' },
    })
    expect(commandFor('door', { kind: 'command', command: ['cam', '-o', '-'] }, debianFfmpeg)).toMatchObject({
      ok: true,
      value: { argv: ['cam', '-o', '-'], members: 'many' },
    })
    expect(commandFor('door', { kind: 'command', command: [] }, debianFfmpeg)).toMatchObject({ ok: false })
  })

  test.each(['rpicam', 'v4l2'] as const)('says that %s comes later', (kind) => {
    const answer = commandFor('door', { kind }, debianFfmpeg)
    expect(answer).toMatchObject({ ok: false, error: expect.stringContaining('is not available in this version') })
  })
})

describe('the address of a network camera', () => {
  const login = { user: new Secret('us@er'), password: new Secret('p@ss#w/o?r%d:ü') }

  test('carries user and password encoded, and nothing prints them', () => {
    const { url, secrets } = rtspAddress({ ...camera, ...login })
    expect(url).toBe('rtsp://us%40er:p%40ss%23w%2Fo%3Fr%25d%3A%C3%BC@192.0.2.7:554/stream1?x=1')
    const parsed = new URL(url)
    expect(decodeURIComponent(parsed.username)).toBe('us@er')
    expect(decodeURIComponent(parsed.password)).toBe('p@ss#w/o?r%d:ü')
    expect(secrets).toEqual([login.user, login.password])
    expect(JSON.stringify({ ...camera, ...login })).not.toContain('p@ss')
  })

  test('is left alone without user and password', () => {
    expect(rtspAddress(camera)).toEqual({ url: camera.url, secrets: [] })
    expect(rtspAddress({ ...camera, user: new Secret(''), password: new Secret('') }).url).toBe(camera.url)
  })

  test('that came with a user in it gives nothing away', () => {
    const { url, secrets } = rtspAddress({ kind: 'rtsp', url: 'rtsp://root:a%40b@cam/x@y' })
    expect(url).toBe('rtsp://root:a%40b@cam/x@y')
    expect(secrets.map((secret) => secret.reveal())).toEqual(expect.arrayContaining(['root', 'a%40b', 'a@b']))
    expect(rtspAddress({ kind: 'rtsp', url: 'rtsp://root:x@cam/y', ...login }).url).toMatch(/ü|%C3%BC@cam\/y$/)
  })

  test('may be nonsense', () => {
    for (const url of ['', '://', 'rtsp://', 'rtsp://%E0%@', 'cam']) {
      expect(() => rtspAddress({ kind: 'rtsp', url, ...login })).not.toThrow()
    }
  })
})

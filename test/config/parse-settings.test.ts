import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Secret } from '../../src/base/secret.ts'
import { parseSettings } from '../../src/config/parse-settings.ts'
import type { Settings } from '../../src/config/settings.ts'

const good = `device: gate-1
store:
  bucket: my-footage
  region: cn-hangzhou
  credentials:
    environment: true
cameras:
  - name: gate
    kind: test
`

/** The good file with one line replaced, or lines put behind one. */
const changed = (line: string, by: string): string => {
  expect(good).toContain(line)
  return good.replace(line, by)
}

function settingsOf(text: string): Settings {
  const parsed = parseSettings(text)
  if (!parsed.ok) throw new Error(parsed.error.map((problem) => problem.message).join('\n'))
  return parsed.value
}

function sentences(text: string): string[] {
  const parsed = parseSettings(text)
  return parsed.ok ? [] : parsed.error.map((problem) => problem.message)
}

const name63 = '1 to 63 letters, digits and hyphens, with no hyphen at either end'

describe('a settings file', () => {
  test('gets every default', () => {
    expect(settingsOf(good)).toMatchObject({
      device: 'gate-1',
      site: { timeZone: 'UTC' },
      store: { prefix: '', cname: false, pathStyle: false, objects: { tags: {} } },
      cameras: [{ kind: 'test', width: 1280, height: 720, framesPerS: 25, gopS: 1, bitsPerS: 2_000_000, audio: false }],
      inputs: [],
      buffer: { directory: '/var/lib/watchpost', quotaBytes: 10_000_000_000, minFreeBytes: 536_870_912 },
      uplink: {},
      rollover: { bytes: 1_073_741_824 },
      report: { schedule: '0 * * * *' },
      console: { baud: 115_200 },
      control: { socket: '/run/watchpost/control.sock' },
      log: { level: 'info' },
    })
    expect(settingsOf(good).console.port).toBeUndefined()
  })

  test('loses nothing that is written', () => {
    const text = `device: gate-1
site: {timeZone: Europe/Berlin}
store:
  bucket: my-footage
  region: cn-hangzhou
  endpoint: oss.example.net:8443/
  caFile: /etc/ca.pem
  pathStyle: true
  prefix: Straße 7/yard
  credentials: {accessKeyId: id, accessKeySecret: 's#e@c', securityToken: token}
  objects: {acl: private, storageClass: IA, serverSideEncryption: KMS, tags: {site: '7'}, cacheControl: no-cache}
cameras:
  - {name: a, kind: test, width: 640, height: 480, framesPerS: 10, gopS: 0.5, bitsPerS: 500000, audio: true}
  - {name: b, kind: file, path: /v.mp4}
  - {name: c, kind: rtsp, url: 'rtsp://[2001:db8::7]:554/s?ch=1', user: ad@min, password: 'p@ss#w:/', transport: udp}
  - {name: d, kind: command, command: [cam, --fast]}
  - {name: e, kind: command, command: cam | tee /dev/null}
inputs:
  - {name: pir, chip: pinctrl-rp1, line: 17, kind: motion, activeLow: true, debounceMs: 10, cameras: [a, b]}
buffer: {directory: /data, quotaBytes: 1.5TB, minFreeBytes: 512 MiB}
uplink: {bitsPerSMax: 8000000}
rollover: {bytes: 4500000000}
report: {schedule: '*/15 6-20 * * mon-fri'}
console: {port: /dev/ttyAMA0, baud: 9600}
control: {socket: /tmp/c.sock}
log: {level: debug}
`
    const settings = settingsOf(text)
    expect(settings).toMatchObject({
      site: { timeZone: 'Europe/Berlin' },
      store: {
        endpoint: 'https://oss.example.net:8443',
        caFile: '/etc/ca.pem',
        prefix: 'Straße 7/yard',
        objects: {
          acl: 'private',
          storageClass: 'IA',
          serverSideEncryption: 'KMS',
          tags: { site: '7' },
          cacheControl: 'no-cache',
        },
      },
      cameras: [
        { width: 640, gopS: 0.5, audio: true },
        { kind: 'file', path: '/v.mp4', audio: false },
        { kind: 'rtsp', url: 'rtsp://[2001:db8::7]:554/s?ch=1', transport: 'udp' },
        { kind: 'command', command: ['cam', '--fast'] },
        { kind: 'command', command: 'cam | tee /dev/null' },
      ],
      inputs: [{ name: 'pir', chip: 'pinctrl-rp1', line: 17, activeLow: true, debounceMs: 10, cameras: ['a', 'b'] }],
      buffer: { directory: '/data', quotaBytes: 1_500_000_000_000, minFreeBytes: 536_870_912 },
      uplink: { bitsPerSMax: 8_000_000 },
      report: { schedule: '*/15 6-20 * * mon-fri' },
      console: { port: '/dev/ttyAMA0', baud: 9600 },
    })
    const [, , rtsp] = settings.cameras
    expect(rtsp?.kind === 'rtsp' && [rtsp.user?.reveal(), rtsp.password?.reveal()]).toEqual(['ad@min', 'p@ss#w:/'])
    expect(settings.store.credentials.accessKeySecret).toBeInstanceOf(Secret)
    expect(settings.store.credentials.accessKeySecret?.reveal()).toBe('s#e@c')
    expect(JSON.stringify(settings)).not.toContain('s#e@c')
  })

  test('takes a setting without a value for one that is not there', () => {
    expect(settingsOf(`${good}uplink:\nsite:\n  timeZone:\n`)).toMatchObject({ uplink: {}, site: { timeZone: 'UTC' } })
  })
})

describe('a problem is one sentence with path, line, value and what is accepted:', () => {
  test.each([
    [
      'unknown setting',
      changed('bucket: my', 'bukcet: my'),
      [
        'store.bukcet (line 3) is not a setting; did you mean bucket?',
        'store.bucket is missing; it must be 3 to 63 lower-case letters, digits and hyphens, with no hyphen at either end.',
      ],
    ],
    [
      'setting at the wrong level',
      `${good}timeZone: UTC\n`,
      ['timeZone (line 10) is not a setting; did you mean site.timeZone?'],
    ],
    [
      'word that is like no other',
      `${good}log:\n  zzzzzzzz: 1\n`,
      ['log.zzzzzzzz (line 11) is not a setting; known here are level.'],
    ],
    [
      'setting of another kind',
      `${good}    path: /x\n`,
      ['cameras[0].path (line 10) is not a setting of a camera of kind test, but of file.'],
    ],
    [
      'wrong type',
      `${good}    width: wide\n`,
      ['cameras[0].width (line 10) is "wide"; it must be a whole number from 64 to 3840 (pixels).'],
    ],
    [
      'out of range',
      `${good}    gopS: 11\n`,
      ['cameras[0].gopS (line 10) is the number 11; it must be a number from 0.5 to 10 (seconds).'],
    ],
    [
      'number for text',
      changed('gate-1', '12'),
      [`device (line 1) is the number 12; it must be ${name63} (text that looks like something else needs quotes).`],
    ],
    [
      'missing bucket',
      changed('  bucket: my-footage\n', ''),
      [
        `store.bucket is missing; it must be 3 to 63 lower-case letters, digits and hyphens, with no hyphen at either end.`,
      ],
    ],
    [
      'bucket in capitals',
      changed('my-footage', 'My_Footage'),
      [
        'store.bucket (line 3) is "My_Footage"; it must be 3 to 63 lower-case letters, digits and hyphens, with no hyphen at either end.',
      ],
    ],
    [
      'oss- before the region',
      changed('cn-hangzhou', 'oss-cn-hangzhou'),
      [
        'store.region (line 4) is "oss-cn-hangzhou"; it must be a region of OSS without "oss-" in front, such as cn-hangzhou.',
      ],
    ],
    [
      'leading slash',
      changed('  region', '  prefix: /yard\n  region'),
      [
        `store.prefix (line 4) is "/yard"; it must be up to 128 characters without a slash at either end and without empty, . or .. parts, such as site-7/yard, or ''.`,
      ],
    ],
    [
      'climbing prefix',
      changed('  region', '  prefix: a/../b\n  region'),
      [
        `store.prefix (line 4) is "a/../b"; it must be up to 128 characters without a slash at either end and without empty, . or .. parts, such as site-7/yard, or ''.`,
      ],
    ],
    [
      'endpoint with a path',
      changed('  region', '  endpoint: https://h/bucket\n  region'),
      [
        'store.endpoint (line 4) is "https://h/bucket"; it must be a host name, such as https://oss-cn-hangzhou.aliyuncs.com, with neither path nor bucket.',
      ],
    ],
    [
      'cname without endpoint',
      changed('  region', '  cname: true\n  region'),
      ['store.endpoint is missing; with store.cname it must be the domain that is bound to the bucket.'],
    ],
    [
      'bad cron',
      `${good}report: {schedule: '61 * * * *'}\n`,
      [
        `report.schedule (line 10) is "61 * * * *"; it must be a cron pattern of five fields (minute hour day month weekday), such as '0 * * * *' for every full hour.`,
      ],
    ],
    [
      'bad time zone',
      `${good}site: {timeZone: Mars/Crater}\n`,
      [
        'site.timeZone (line 10) is "Mars/Crater"; it must be a time zone of the IANA list, such as UTC or Europe/Berlin.',
      ],
    ],
    [
      'camera of unknown kind',
      changed('kind: test', 'kind: tset'),
      ['cameras[0].kind (line 9) is "tset"; it must be one of test, file, rtsp, command.'],
    ],
    [
      'camera of a later kind',
      changed('kind: test', 'kind: rpicam'),
      [
        'cameras[0].kind (line 9) is "rpicam", which is not in this version; it must be one of test, file, rtsp, command.',
      ],
    ],
    [
      'no cameras',
      `${good.split('cameras:')[0]}cameras: []\n`,
      ['cameras (line 7) has 0 entries; 1 to 16 are possible.'],
    ],
    [
      'two cameras of one name',
      `${good}  - {name: gate, kind: test}\n`,
      ['cameras[1].name (line 10) is the name of cameras[0] too; every camera needs its own.'],
    ],
    [
      'password in the address',
      `${good}  - {name: b, kind: rtsp, url: 'rtsp://admin:hunter22@h/s'}\n`,
      [
        'cameras[1].url (line 10) is "(secret)@h/s"; it must be an address such as rtsp://192.0.2.7:554/stream1, without user and password, which have settings of their own.',
      ],
    ],
    [
      'password that is a number',
      `${good}  - {name: b, kind: rtsp, url: 'rtsp://h/s', password: 12345678}\n`,
      ['cameras[1].password (line 10) is (secret, 8 characters); it must be text of 1 to 256 characters, in quotes.'],
    ],
    [
      'input that looks at no camera',
      `${good}inputs: [{name: p, chip: c, line: 1, kind: motion, cameras: [yard]}]\n`,
      ['inputs[0].cameras (line 10) names a camera that this file does not have.'],
    ],
    [
      'line used twice',
      `${good}inputs: [{name: p, chip: c, line: 1, kind: motion}, {name: q, chip: c, line: 1, kind: door}]\n`,
      ['inputs[1].line (line 10) is used by inputs[0] already; a line can be opened once.'],
    ],
    [
      'no credentials',
      changed('environment: true', 'environment: false'),
      [
        'store.credentials (line 5) says nothing; it must hold accessKeyId with accessKeySecret, file, or environment: true.',
      ],
    ],
    [
      'half a key',
      changed('environment: true', 'accessKeyId: x'),
      ['store.credentials.accessKeySecret is missing; an access key has two halves, and this file one.'],
    ],
    [
      'two kinds of credentials',
      changed('environment: true', 'environment: true\n    file: /x'),
      [
        'store.credentials (line 5) says more than one thing; it must hold one of accessKeyId with accessKeySecret, file, or environment: true.',
      ],
    ],
    [
      'mount point elsewhere',
      `${good}buffer: {mountPoint: /media/card}\n`,
      ['buffer.mountPoint (line 10) is no folder at or above buffer.directory (/var/lib/watchpost), which it guards.'],
    ],
    [
      'mount point that only looks like one above',
      `${good}buffer: {mountPoint: /media/card, directory: /media/card-2/../cards}\n`,
      [
        'buffer.mountPoint (line 10) is no folder at or above buffer.directory (/media/card-2/../cards), which it guards.',
      ],
    ],
    [
      'size without its unit',
      `${good}buffer: {quotaBytes: 10G}\n`,
      ['buffer.quotaBytes (line 10) is "10G"; it must be a size from 64MiB to 100TB, such as 10GB, 512MiB or 1000000.'],
    ],
    [
      'roll-over beyond what OSS takes',
      `${good}rollover: {bytes: 5GB}\n`,
      ['rollover.bytes (line 10) is "5GB"; it must be a size from 64KiB to 4500MB, such as 10GB, 512MiB or 1000000.'],
    ],
    [
      'group that is a word',
      `${good}buffer: big\n`,
      [
        'buffer (line 10) is "big"; it must be a group of settings (directory, mountPoint, quotaBytes, minFreeBytes, spillAfterS, memoryBytes, memoryBytesPerCamera).',
      ],
    ],
    [
      'list that is a group',
      `${good}inputs: {a: b}\n`,
      ['inputs (line 10) is a group of settings; it must be a list.'],
    ],
    [
      'whole file that is a list',
      '- a\n',
      [
        'The file is a list; it must be a group of settings (device, site, store, cameras, inputs, buffer, uplink, rollover, report, console, control, log).',
      ],
    ],
  ])('%s', (_name, text, wanted) => {
    expect(sentences(text)).toEqual(wanted)
  })

  test('all problems of a file come at once, in its order', () => {
    const text = 'devise: a\nstore:\n  bucket: B\n  region: r\ncameras:\n  - name: a b\n    kind: rtsp\n'
    expect(sentences(text).map((sentence) => sentence.split(/ is | says /)[0])).toEqual([
      'devise (line 1)',
      'store.bucket (line 3)',
      'cameras[0].name (line 6)',
      'device',
      'cameras[0].url',
      'store.credentials',
    ])
  })

  test('an empty file names what it lacks', () => {
    expect(sentences('').map((sentence) => sentence.split(' ')[0])).toEqual([
      'device',
      'store.bucket',
      'store.region',
      'cameras',
      'store.credentials',
    ])
  })
})

describe('a file that is no YAML is told with its line:', () => {
  test.each([
    ['tab', 'device: a\n\tsite: b\n', 'Line 2, at column 1, is indented with a tab; YAML wants spaces.'],
    [
      'name twice',
      'device: a\ndevice: b\n',
      'Line 2, at column 1, names a setting that stands further up in the same group already; keep one of them.',
    ],
    [
      'password that begins with @',
      'a:\n  password: @hunter22\n',
      'Line 2, at column 13, has a value that begins with a character of YAML itself, such as @ or `; put the value in quotes.',
    ],
    [
      'alias',
      'a: *hunter22\n',
      'Line 1, at column 4, has a value that begins with * or &, which YAML takes for itself; put the value in quotes.',
    ],
    [
      'tag',
      'a: !hunter22\n',
      'Line 1, at column 4, has a value that begins with !, which YAML takes for itself; put the value in quotes.',
    ],
    [
      'open quote',
      "a: 'hunter22\n",
      'Line 2, at column 1, lacks a character: a quote or bracket that is opened must be closed, and a colon must follow each name.',
    ],
  ])('%s', (_name, text, wanted) => {
    const said = sentences(text)
    expect(said).toContain(wanted)
    expect(said.join()).not.toContain('hunter22')
  })

  test('too long', () => {
    expect(sentences(`# ${'x'.repeat(300_000)}`)).toEqual(['The file has 300002 bytes; settings are at most 262144.'])
  })

  test('an alias bomb is refused without unfolding it', () => {
    const bomb = [
      'a: &a [x,x,x,x,x,x,x,x,x]',
      ...'bcdefghi'.split('').map((name, at) => `${name}: &${name} [${Array(9).fill(`*${'abcdefgh'[at]}`)}]`),
    ]
    expect(sentences(`${bomb.join('\n')}\n`).length).toBeGreaterThan(0)
  })
})

describe('no problem shows a secret', () => {
  const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31))
  const secret = fc
    .stringMatching(/^[A-Za-z0-9@#:/!*&%{}"' -]{8,20}$/)
    .filter((text) => text.trim().length >= 8 && /[A-Za-z0-9]{2}/.test(text))
  const place = fc.constantFrom(
    (s: string) => `store: {credentials: {accessKeyId: 3, accessKeySecret: ${JSON.stringify(s)}, file: /x}}`,
    (s: string) => `store: {credentials: {acessKeySecret: ${JSON.stringify(s)}}}`,
    (s: string) => `cameras: [{kind: rtsp, pasword: ${JSON.stringify(s)}}]`,
    (s: string) => `cameras: [{kind: rtsp, url: ${JSON.stringify(`rtsp://u:${s}@h/x`)}}]`,
    (s: string) => `cameras: [{kind: test, password: ${JSON.stringify(s)}}]`,
    (s: string) => `cameras: [{kind: rtsp, password: [${JSON.stringify(s)}]}]`,
    (s: string) => `cameras: [{kind: rtsp, password: {${JSON.stringify(s)}: 1}}]`,
    (s: string) => `cameras:\n- kind: rtsp\n  password: ${s}\n`,
    (s: string) => `cameras:\n- kind: rtsp\n  name: gate\n   password: ${s}\n`,
    (s: string) => `cameras:\n- kind: rtsp\n  name: gate\n    password ${s}\n`,
    (s: string) => `store:\n  credentials:\n    securityToken: "${s}\n`,
  )
  test(`whatever is wrong around it (SEED=${seed})`, () => {
    fc.assert(
      fc.property(secret, place, (text, write) => {
        const parsed = parseSettings(write(text))
        const said = parsed.ok ? '' : JSON.stringify(parsed.error)
        expect(said).not.toContain(JSON.stringify(text).slice(1, -1))
        expect(said).not.toContain(text.trim())
      }),
      { seed, numRuns: 1000 },
    )
  })
})

test('any text is read without an exception', () => {
  const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31))
  const piece = fc.oneof(
    fc.string(),
    fc.constantFrom(':', '\n', '  ', '- ', '&a', '*a', '{', '[', '"', 'cameras', '__proto__', '? ', '!!'),
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
      for (const problem of [parseSettings(pieces.join('')), parseSettings(good + pieces.join(''))]) {
        if (!problem.ok) expect(problem.error.length).toBeGreaterThan(0)
      }
    }),
    { seed, numRuns: 1000 },
  )
})

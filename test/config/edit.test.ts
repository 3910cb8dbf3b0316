import fc from 'fast-check'
import { validate as nodeCronAccepts } from 'node-cron'
import { describe, expect, test } from 'vitest'
import { parseDocument } from 'yaml'
import { isCronPattern } from '../../src/config/cron-pattern.ts'
import { setSetting, settingsDiff, shownSettings, unsetSetting } from '../../src/config/edit.ts'
import { exampleSettings } from '../../src/config/example.ts'
import { fields } from '../../src/config/field-table.ts'
import { parseSettings } from '../../src/config/parse-settings.ts'
import { settingsTable } from '../../src/config/settings-table.ts'
import { parseSize, sizeText } from '../../src/config/size.ts'

const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31))
const example = exampleSettings({ device: 'gate-1' })

function set(text: string, path: string, value: string): string {
  const done = setSetting(text, path, value)
  if (!done.ok) throw new Error(done.error)
  return done.value
}

const filled = [
  ['store.bucket', 'my-footage'],
  ['store.region', 'cn-hangzhou'],
  ['store.credentials.accessKeyId', 'LTAI'],
  ['store.credentials.accessKeySecret', 'hunter2 # @'],
].reduce((text, [path = '', value = '']) => set(text, path, value), example)

/** Lines of `after` that are not in `before`, and the other way round. */
function changedLines(before: string, after: string): { added: string[]; removed: string[] } {
  const [was, is] = [before.split('\n'), after.split('\n')]
  return { added: is.filter((line) => !was.includes(line)), removed: was.filter((line) => !is.includes(line)) }
}

describe('the example of `watchpost init`', () => {
  test('lacks only what nobody else can know', () => {
    const parsed = parseSettings(example)
    const paths = parsed.ok ? [] : parsed.error.map((problem) => problem.path)
    expect(paths).toEqual(['store.bucket', 'store.region', 'store.credentials'])
  })

  test('is right once that is filled in, and says nothing but defaults', () => {
    const parsed = parseSettings(filled)
    expect(parsed).toMatchObject({ ok: true, value: { device: 'gate-1', store: { bucket: 'my-footage' } } })
    const least = `device: gate-1\nstore: {bucket: my-footage, region: cn-hangzhou, credentials: {accessKeyId: a, accessKeySecret: b}}\ncameras: [{name: test-1, kind: test}]\n`
    const plain = (text: string): string => {
      const { store, ...rest } = (parseSettings(text) as { value: { store: object } }).value
      return JSON.stringify({ ...rest, store: { ...store, credentials: undefined } })
    }
    expect(plain(filled)).toBe(plain(least))
  })

  test('is right with every line that is commented out taken in', () => {
    const whole = filled
      .replace(/^#(?=\S| {2})/gm, '')
      .replace(/^( +)#(?=\S)/gm, '$1')
      .replace(/^ +(accessKeyId: LTAI5tExample|accessKeySecret: 'the secret'|file: .*)$/gm, '')
      .replace('cameras: []', 'cameras: [rtsp-1]')
      // The disk that is looked for must be that of the buffer.
      .replace('directory: /var/lib/watchpost\n', 'directory: /var/lib/watchpost/card/buffer\n')
    const parsed = parseSettings(whole)
    expect(parsed.ok ? [] : parsed.error).toEqual([])
    expect(parsed).toMatchObject({
      value: {
        cameras: [{ kind: 'test' }, { kind: 'file' }, { kind: 'rtsp' }, { kind: 'command' }],
        inputs: [{ cameras: ['rtsp-1'] }],
        uplink: { bitsPerSMax: 8_000_000 },
        console: { port: '/dev/ttyAMA0' },
      },
    })
  })

  test('and the table name every setting', () => {
    const table = settingsTable()
    expect(fields.length).toBeGreaterThan(45)
    for (const { path, help } of fields) {
      expect(table).toContain(`| \`${path}\``)
      expect(table).toContain(help)
      expect(example).toMatch(new RegExp(`^[ #-]*${path.split('.').at(-1)}:`, 'm'))
    }
    expect(table.trimEnd().split('\n')).toHaveLength(fields.length + 2)
  })
})

describe('a change', () => {
  test.each([
    ['site.timeZone', 'Europe/Berlin', ['  timeZone: Europe/Berlin'], ['  timeZone: UTC']],
    ['uplink.bitsPerSMax', '8000000', ['  bitsPerSMax: 8000000'], []],
    ['console.port', '/dev/ttyS1', ['  port: /dev/ttyS1'], []],
    ['cameras[0].framesPerS', '10', ['    framesPerS: 10'], ['    framesPerS: 25']],
    ['store.objects.tags', '{site: "7"}', ['    tags: {"site":"7"}'], ['    tags: {}']],
    ['report.schedule', '*/5 * * * *', ['  schedule: "*/5 * * * *"'], ["  schedule: '0 * * * *'"]],
    ['store.prefix', "'site-7'", ['  prefix: site-7'], ["  prefix: ''"]],
    ['buffer.quotaBytes', '5GB', ['  quotaBytes: 5GB'], ['  quotaBytes: 10GB']],
    ['cameras[0].audio', 'true', ['    audio: true'], ['    audio: false']],
  ])('of %s to %s touches its own line only', (path, value, added, removed) => {
    expect(changedLines(filled, set(filled, path, value))).toMatchObject({ added, removed })
  })

  test('fills in what the example leaves empty, in its place', () => {
    expect(changedLines(example, filled)).toEqual({
      added: [
        '  bucket: my-footage',
        '  region: cn-hangzhou',
        '    accessKeyId: LTAI',
        '    accessKeySecret: "hunter2 # @"',
      ],
      removed: ['  bucket:', '  region:'],
    })
  })

  test('leaves comments, order and odd spaces of a person alone', () => {
    const text = `# mine\ndevice:   gate-1   # the old one\n\n\nstore:\n    # here\n    bucket: 'b-1'\n    region: x\n    credentials: {environment: true}\ncameras:\n- kind: test\n  name: a\n# end\n`
    const after = set(set(set(text, 'store.bucket', 'b-2'), 'device', 'gate-2'), 'cameras[0].gopS', '2')
    expect(after).toBe(
      text.replace("'b-1'", 'b-2').replace('gate-1', 'gate-2').replace('  name: a\n', '  name: a\n  gopS: 2\n'),
    )
  })

  test('adds a camera and an input, one setting at a time', () => {
    const steps = [
      ['cameras[1].kind', 'rtsp'],
      ['cameras[1].name', 'yard'],
      ['cameras[1].url', 'rtsp://192.0.2.7/s'],
      ['cameras[1].password', "p@ss'#word"],
      ['inputs[0].name', 'pir'],
      ['inputs[0].chip', 'pinctrl-rp1'],
      ['inputs[0].line', '17'],
      ['inputs[0].kind', 'motion'],
    ]
    const text = steps.reduce((before, [path = '', value = '']) => set(before, path, value), filled)
    const parsed = parseSettings(text)
    expect(parsed).toMatchObject({ ok: true, value: { cameras: [{}, { name: 'yard' }], inputs: [{ line: 17 }] } })
    const camera = parsed.ok ? parsed.value.cameras[1] : undefined
    expect(camera?.kind === 'rtsp' && camera.password?.reveal()).toBe("p@ss'#word")
    expect(changedLines(filled, text).removed).toEqual([])
  })

  test.each([
    ['store.bukcet', 'x', 'store.bukcet is not a setting; did you mean store.bucket?'],
    ['bucket', 'x', 'bucket is not a setting; did you mean store.bucket?'],
    ['store', 'x', 'store is not a setting; show lists them all.'],
    [
      'store.bucket',
      'B',
      'store.bucket is "B"; it must be 3 to 63 lower-case letters, digits and hyphens, with no hyphen at either end.',
    ],
    [
      'cameras[0].framesPerS',
      'ten',
      'cameras[0].framesPerS is "ten"; it must be a whole number from 1 to 60 (frames a second).',
    ],
    ['cameras[2].name', 'x', 'cameras has 1 entry; the next is cameras[1].'],
    [
      'store.objects.tags',
      '{',
      'store.objects.tags must be up to 10 names (1 to 128 letters, digits, spaces and + - = . _ : /) with a value each (up to 256 letters, digits, spaces and + - = . _ : /), written as [a, b] or {a: b}.',
    ],
    ['__proto__.x', 'x', '__proto__.x is not a setting; show lists them all.'],
  ])('of %s to %s is refused at once', (path, value, wanted) => {
    expect(setSetting(filled, path, value)).toEqual({ ok: false, error: wanted })
  })

  test(`to any text says the same afterwards, and nothing else changes (SEED=${seed})`, () => {
    const text = fc
      .string({ unit: 'grapheme', minLength: 1, maxLength: 40 })
      .filter((s) => !/[\r\n\0\u2028\u2029\x85]/.test(s) && !/^(['"]).*\1$/s.test(s) && !/\p{Cs}/u.test(s))
    fc.assert(
      fc.property(text, (value) => {
        const done = setSetting(filled, 'store.credentials.accessKeySecret', value)
        if (!done.ok) return expect(/\p{Cc}/u.test(value)).toBe(true)
        const [was, is] = [filled, done.value].map((one) => parseDocument(one).toJS())
        expect(is.store.credentials.accessKeySecret).toBe(value)
        is.store.credentials.accessKeySecret = was.store.credentials.accessKeySecret
        expect(is).toEqual(was)
      }),
      { seed, numRuns: 300 },
    )
  })

  test('can be taken back out, and a camera too', () => {
    const text = set(set(filled, 'cameras[1].name', 'yard'), 'cameras[1].kind', 'test')
    const without = unsetSetting(text, 'cameras[1]')
    expect(without.ok && parseSettings(without.value)).toMatchObject({
      ok: true,
      value: { cameras: [{ name: 'test-1' }] },
    })
    const plain = unsetSetting(filled, 'site.timeZone')
    expect(plain.ok && shownSettings(plain.value, 'site')).toEqual({
      ok: true,
      value: [{ path: 'site.timeZone', text: 'UTC', origin: 'default' }],
    })
    expect(unsetSetting(filled, 'console.port')).toMatchObject({ ok: false })
  })
})

describe('what is shown', () => {
  test('masks secrets and names defaults', () => {
    const shown = shownSettings('store: {credentials: {accessKeySecret: hunter2hunter}}', 'store.credentials')
    expect(shown).toEqual({
      ok: true,
      value: [
        { path: 'store.credentials.accessKeySecret', text: '(secret, 13 characters)', origin: 'file' },
        { path: 'store.credentials.environment', text: 'false', origin: 'default' },
      ],
    })
  })

  test('a difference names what changed, also of a secret, without showing it', () => {
    const after = set(set(filled, 'store.credentials.accessKeySecret', 'hunter3 # @'), 'site.timeZone', 'Asia/Tokyo')
    expect(settingsDiff(filled, after)).toEqual([
      '- site.timeZone = UTC',
      '+ site.timeZone = Asia/Tokyo',
      '~ store.credentials.accessKeySecret = (secret, 11 characters) (changed)',
    ])
  })
})

describe('small languages', () => {
  test.each([
    ['10GB', 10e9],
    ['1.5 GB', 1.5e9],
    ['512MiB', 536_870_912],
    ['0', 0],
    [17, 17],
    ['17B', 17],
    ['10G', undefined],
    ['1.5', undefined],
    ['-1', undefined],
    [-1, undefined],
    [1.5, undefined],
    ['GB', undefined],
    ['99999999999999TB', undefined],
    [true, undefined],
  ])('the size %s is %s bytes', (written, bytes) => {
    expect(parseSize(written)).toBe(bytes)
  })

  test(`a size says itself again (SEED=${seed})`, () => {
    fc.assert(
      fc.property(fc.nat({ max: 2 ** 45 }), fc.constantFrom(1, 1000, 1024, 1024 ** 3), (count, unit) => {
        const bytes = Math.floor(count / unit) * unit
        expect(parseSize(sizeText(bytes))).toBe(bytes)
      }),
      { seed },
    )
  })

  test.each([
    '5-1 * * * *',
    '5/2 * * * *',
    '60 * * * *',
    '* * * *',
    '@daily',
    '0 0 L * *',
    '* * * * mon#1',
    '',
    '* * * * * * *',
  ])('the schedule "%s" is refused', (pattern) => expect(isCronPattern(pattern)).toBe(false))

  test(`a schedule that we take is taken by node-cron (SEED=${seed})`, () => {
    const word = fc.constantFrom(
      '*',
      '0',
      '5',
      '59',
      '60',
      '7',
      '31',
      '32',
      '1-5',
      '5-1',
      '*/15',
      '1-9/3',
      '5/2',
      'mon',
      'MON-fri',
      'jan',
      'x',
      '1,2',
      '',
      'L',
      '*/0',
      '00',
    )
    let taken = 0
    fc.assert(
      fc.property(fc.array(word, { minLength: 4, maxLength: 7 }), (words) => {
        const pattern = words.join(' ')
        if (!isCronPattern(pattern)) return
        taken += 1
        expect(nodeCronAccepts(pattern.trim()), pattern).toBe(true)
      }),
      { seed, numRuns: 20_000 },
    )
    expect(taken).toBeGreaterThan(20)
    for (const pattern of ['0 * * * *', '*/10 * * * * *', '30 6 1 jan-mar mon-fri', '0 0 * * 7']) {
      expect([isCronPattern(pattern), nodeCronAccepts(pattern)]).toEqual([true, true])
    }
  })
})

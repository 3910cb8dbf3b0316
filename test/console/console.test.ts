import { describe, expect, test } from 'vitest'
import { err, ok, type Result } from '../../src/base/result.ts'
import { exampleSettings } from '../../src/config/example.ts'
import { fields } from '../../src/config/field-table.ts'
import { parseSettings } from '../../src/config/parse-settings.ts'
import { answerLine, hidesNext, newSession } from '../../src/console/commands.ts'
import type { ConsoleWorld } from '../../src/console/console-world.ts'
import { type ConsoleWire, serveConsole } from '../../src/console/serve-console.ts'
import { status } from '../support/status.ts'

const file = exampleSettings({ device: 'gate-1' })
  .replace('  bucket:\n', '  bucket: my-footage\n')
  .replace('  region:\n', '  region: cn-hangzhou\n')
  .replace("#accessKeySecret: 'the secret'", "accessKeySecret: 'hunter2hunter2'")
  .replace('#accessKeyId', 'accessKeyId')

interface Machine extends ConsoleWorld {
  file: string
  readonly asked: string[]
  save: Result<undefined, string>
  running: boolean
}

function machine(): Machine {
  const self: Machine = {
    version: '0.1.0',
    file,
    asked: [],
    save: ok(undefined),
    running: true,
    readSettings: async () => ok(self.file),
    async saveSettings(text) {
      if (self.save.ok) self.file = text
      return self.save
    },
    async ask(request) {
      self.asked.push(request.do)
      if (!self.running) return err('The recorder is not running.')
      if (request.do === 'status') return ok(status)
      if (request.do === 'reload') return ok({ accepted: true, message: 'The camera loops start again.' })
      if (request.do === 'log') return ok({ lines: ['one', 'two'] })
      return ok({ version: '0.0.9', device: 'gate-1' })
    },
  }
  return self
}

/** Types lines one after the other into one session, and gives all answers. */
async function typed(world: ConsoleWorld, ...lines: string[]): Promise<string[]> {
  const session = newSession()
  const answers: string[] = []
  for (const line of lines) answers.push((await answerLine(line, session, world)).text)
  return answers
}

describe('the console', () => {
  test('changes nothing before commit, and then the file and the recorder', async () => {
    const world = machine()
    const [nothing, difference] = await typed(world, 'set site.timeZone Europe/Berlin', 'diff')
    expect([nothing, difference]).toEqual(['', '- site.timeZone = UTC\n+ site.timeZone = Europe/Berlin'])
    expect([world.file, world.asked]).toEqual([file, []])
    const answers = await typed(world, 'set site.timeZone Europe/Berlin', 'commit', 'diff', 'commit')
    expect(answers).toEqual([
      '',
      'Saved. The camera loops start again.',
      'Nothing is changed.',
      'Nothing is changed; there is nothing to commit.',
    ])
    expect(world.file).toBe(file.replace('timeZone: UTC', 'timeZone: Europe/Berlin'))
    expect(world.asked).toEqual(['reload'])
  })

  test('says that the recorder is not running, and saves all the same', async () => {
    const world = machine()
    world.running = false
    const answers = await typed(world, 'status', 'set log.level debug', 'commit')
    expect(answers).toEqual([
      'The recorder is not running.',
      '',
      "Saved; the settings hold from the recorder's next start. The recorder is not running.",
    ])
    expect(world.file).toContain('level: debug')
  })

  test('refuses a commit that would not be right, names everything, and keeps the changes', async () => {
    const world = machine()
    const [, , answer, after] = await typed(world, 'set cameras[1].kind rtsp', 'unset store.bucket', 'commit', 'diff')
    expect(answer?.split('\n')[0]).toBe('Nothing is saved, since the settings would not be right:')
    expect(answer?.split('\n')).toHaveLength(4)
    expect(answer).toContain('cameras[1].name is missing')
    expect(answer).toContain('cameras[1].url is missing')
    expect(answer).toContain('store.bucket is missing')
    expect(after).toContain('+ cameras[1].kind = rtsp')
    expect(world.file).toBe(file)
  })

  test('does not write over what somebody else has changed meanwhile', async () => {
    const world = machine()
    const session = newSession()
    await answerLine('set log.level debug', session, world)
    world.file = `${file}# mine\n`
    expect((await answerLine('commit', session, world)).text).toContain('somebody else has changed the file meanwhile')
    expect(world.file).toBe(`${file}# mine\n`)
    expect((await answerLine('rollback', session, world)).text).toBe('Your changes are forgotten.')
  })

  test('keeps the changes when the disk refuses them', async () => {
    const world = machine()
    world.save = err('The disk is full.')
    const answers = await typed(world, 'set log.level debug', 'commit', 'diff')
    expect(answers.slice(1)).toEqual(['The disk is full.', '- log.level = info\n+ log.level = debug'])
    expect(world.asked).toEqual([])
  })

  test.each([
    ['', ''],
    ['   ', ''],
    ['statsu', 'There is no such command; did you mean status?'],
    ['reboot now', 'There is no such command; help lists them.'],
    ['set', 'Type: set SETTING VALUE, such as: set site.timeZone Europe/Berlin'],
    ['set store.bucket', 'Type: set SETTING VALUE, such as: set site.timeZone Europe/Berlin'],
    ['set store.bukcet x', 'store.bukcet is not a setting; did you mean store.bucket?'],
    ['show cameras[0].name', 'cameras[0].name = test-1'],
    ['show nothing.here', 'nothing.here is not a setting; show lists them all.'],
    ['show uplink', 'uplink is not a setting; show lists them all.'],
    ['rollback', 'Nothing is changed; there is nothing to forget.'],
    ['version', 'console 0.1.0, recorder 0.0.9'],
    ['log', 'one\ntwo'],
    ['log x', 'Type: log LINES, with 1 to 200 lines.'],
    ['help set', 'set SETTING VALUE: change a setting; nothing happens before commit.'],
    [
      'help cameras[3].password',
      'Password at the camera; @ and # need no escape inside quotes.\nIt must be text of 1 to 256 characters, in quotes.\nIt may be left out. A change restarts what uses it. It is never shown.',
    ],
    ['exit', 'Goodbye.'],
  ])('answers "%s"', async (line, wanted) => {
    expect(await typed(machine(), line)).toEqual([wanted])
  })

  test('help names every command, and each line fits a terminal', async () => {
    const [text = ''] = await typed(machine(), 'help')
    for (const name of [
      'help',
      'status',
      'show',
      'set',
      'unset',
      'diff',
      'commit',
      'rollback',
      'log',
      'version',
      'exit',
    ]) {
      expect(text).toMatch(new RegExp(`^  ${name}\\b`, 'm'))
    }
    expect(Math.max(...text.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80)
  })

  test('exit asks once when changes wait', async () => {
    const world = machine()
    const session = newSession()
    await answerLine('set log.level debug', session, world)
    expect(await answerLine('exit', session, world)).toMatchObject({ end: false })
    expect(await answerLine('diff', session, world)).toMatchObject({ end: false })
    expect(await answerLine('exit', session, world)).toMatchObject({ end: false })
    expect(await answerLine('exit', session, world)).toEqual({ text: 'Goodbye.', end: true })
  })

  test('shows all settings and no secret', async () => {
    const [text = ''] = await typed(machine(), 'show')
    expect(text).toContain('store.credentials.accessKeySecret = (secret, 14 characters)')
    expect(text).toContain('site.timeZone = UTC')
    expect(text).not.toContain('hunter2')
  })

  test('hides every character behind a secret setting, and behind one that nobody knows', () => {
    const shown = fields.filter((field) => !field.secret)
    for (const { path } of fields)
      expect(hidesNext(`set ${path.replace('[]', '[2]')} x`)).toBe(!shown.some((one) => one.path === path))
    expect(hidesNext('set cameras[0].pasword h')).toBe(true)
    expect(hidesNext('  sett cameras[0].password h')).toBe(true)
    expect(hidesNext('set cameras[0].password')).toBe(false)
    expect(hidesNext('show cameras x')).toBe(false)
  })
})

/** A wire whose bytes are given, and whose text is kept. */
function wireOf(bytes: readonly (string | Uint8Array)[], terminal = true): ConsoleWire & { text: () => string } {
  let text = ''
  return {
    incoming: (async function* () {
      for (const piece of bytes) yield typeof piece === 'string' ? Buffer.from(piece) : piece
    })(),
    terminal,
    async write(piece) {
      text += piece
    },
    text: () => text,
  }
}

describe('a session', () => {
  const never = new AbortController().signal

  test('greets, prompts, echoes, answers, and says goodbye', async () => {
    const wire = wireOf(['vers', 'ion\rset log.level debug\rexit\r', 'exit\rnot read'])
    expect(await serveConsole(wire, machine(), never)).toBe('exit')
    expect(wire.text().split('\r\n')).toEqual([
      'Watchpost 0.1.0. Type help for help.',
      'watchpost> version',
      'console 0.1.0, recorder 0.0.9',
      'watchpost> set log.level debug',
      'watchpost (changed)> exit',
      'Your changes are not committed. Commit them, or type exit again to forget them.',
      'watchpost (changed)> exit',
      'Goodbye.',
      '',
    ])
  })

  test('without a terminal gives answers only', async () => {
    const wire = wireOf(['show log.level\n'], false)
    expect(await serveConsole(wire, machine(), never)).toBe('wire-gone')
    expect(wire.text()).toBe('log.level = info\n')
  })

  test('answers an endless line once, a damaged one never, and goes on', async () => {
    const half = Buffer.from('set device \xe2\x82\r', 'latin1')
    const wire = wireOf(['x'.repeat(5000), 'x\r', half, 'show device\r'], false)
    const world = machine()
    await serveConsole(wire, world, never)
    expect(wire.text().split('\n')).toEqual([
      'This line is longer than 1024 bytes; nothing of it was obeyed.',
      'This line was damaged on the way; nothing of it was obeyed. Please type it again.',
      'device = gate-1',
      '',
    ])
  })

  test('never gives a typed secret back, not even its echo', async () => {
    const wire = wireOf(['set store.credentials.accessKeySecret topsecret77\r', 'show\rdiff\rcommit\rhelp\r'])
    const world = machine()
    await serveConsole(wire, world, never)
    expect(wire.text()).not.toContain('topsecret77')
    expect(wire.text()).toContain('***********')
    const saved = parseSettings(world.file)
    expect(saved.ok && saved.value.store.credentials.accessKeySecret?.reveal()).toBe('topsecret77')
  })

  test('stops when asked', async () => {
    const stop = new AbortController()
    stop.abort()
    expect(await serveConsole(wireOf(['show\r']), machine(), stop.signal)).toBe('stopped')
  })
})

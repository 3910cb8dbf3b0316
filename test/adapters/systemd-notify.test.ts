import { type ChildProcess, spawn } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { isInstalled } from '../../src/adapters/child-process.ts'
import { createSystemdNotify } from '../../src/adapters/systemd-notify.ts'
import type { Fields, Logger } from '../../src/base/log.ts'
import { silentLogger } from '../../src/base/log.ts'

/** systemd's end of the socket. Perl is on every Debian; Node has no Unix datagrams, which is why the helper exists. */
const receiver = `
use Socket; $| = 1;
socket(my $s, AF_UNIX, SOCK_DGRAM, 0) or die; bind($s, pack_sockaddr_un($ARGV[0])) or die; print "bound\\n";
alarm 60;
while (defined(recv($s, my $m, 4096, 0))) { $m =~ s/\\n/|/g; print "$m\\n" }
`

/** Sends its arguments as lines of one datagram, as systemd-notify does. */
function standInHelper(): string {
  const path = join(folder, 'helper')
  const send = 'send($s, join("\\n", @ARGV), 0, pack_sockaddr_un($ENV{NOTIFY_SOCKET})) or die;'
  writeFileSync(path, `#!/usr/bin/perl\nuse Socket; socket(my $s, AF_UNIX, SOCK_DGRAM, 0) or die; ${send}\n`)
  chmodSync(path, 0o755)
  return path
}

let folder = ''
let processes: ChildProcess[] = []
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'notify-'))
})
afterEach(() => {
  for (const child of processes) child.kill('SIGKILL')
  processes = []
  rmSync(folder, { recursive: true, force: true })
})

/** Starts the receiver; `heard` resolves with the words as soon as `done` says that they are enough. */
async function listen() {
  const socket = join(folder, 'notify')
  const child = spawn('perl', ['-e', receiver, socket], { stdio: ['ignore', 'pipe', 'inherit'] })
  processes.push(child)
  let text = ''
  let look = (): void => {}
  child.stdout.setEncoding('utf8').on('data', (piece: string) => {
    text += piece
    look()
  })
  const until = (done: (words: readonly string[]) => boolean): Promise<readonly string[]> =>
    new Promise((resolve) => {
      look = () => {
        const words = text.split('\n').slice(0, -1)
        if (done(words)) resolve(words)
      }
      look()
    })
  await until((words) => words.includes('bound'))
  return { socket, until }
}

function listeningLog() {
  const lines: string[] = []
  let look = (): void => {}
  const write = (_event: string, message: string, _fields?: Fields): void => {
    lines.push(message)
    look()
  }
  const log: Logger = { ...silentLogger, warn: write, error: write }
  const first = (): Promise<string> =>
    new Promise((resolve) => {
      look = () => {
        const [line] = lines
        if (line !== undefined) resolve(line)
      }
      look()
    })
  return { log, lines, first }
}

describe('the words to systemd', () => {
  test('reach a real socket through the real helper, or one like it where systemd is missing', async () => {
    const { socket, until } = await listen()
    const { log, lines } = listeningLog()
    const program = isInstalled('systemd-notify') ? 'systemd-notify' : standInHelper()
    const systemd = createSystemdNotify({ log, env: { PATH: process.env.PATH, NOTIFY_SOCKET: socket }, program })
    systemd.ready()
    await until((words) => words.includes('READY=1'))
    systemd.alive('2 cameras record\n\u001b[31m')
    await until((words) => words.some((word) => word.startsWith('WATCHDOG=1|STATUS=2 cameras record')))
    systemd.stuck('x'.repeat(1000))
    const words = await until((all) => all.some((word) => word.includes('xxx')))
    expect(words.find((word) => word.includes('xxx'))).toHaveLength('STATUS='.length + 200)
    systemd.stopping()
    await until((all) => all.includes('STOPPING=1'))
    expect(words.join()).not.toContain('\u001b')
    expect(lines).toEqual([])
  })

  test('are not said at all when systemd did not start us', () => {
    const { log, lines } = listeningLog()
    const systemd = createSystemdNotify({ log, env: {}, program: join(folder, 'not-there') })
    systemd.ready()
    systemd.alive('well')
    systemd.stopping()
    expect(systemd.watchdogMs).toBeUndefined()
    expect(lines).toEqual([])
  })

  test('a missing helper is named once it is missed', async () => {
    const { log, first } = listeningLog()
    const env = { NOTIFY_SOCKET: join(folder, 'notify') }
    createSystemdNotify({ log, env, program: join(folder, 'not-there') }).ready()
    expect(await first()).toContain('not installed (Debian: package systemd)')
  })

  test('a helper that fails is named, one that hangs does not pile up', async () => {
    const program = join(folder, 'hangs')
    writeFileSync(program, '#!/bin/sh\nexec sleep 4\n')
    chmodSync(program, 0o755)
    const { log, lines, first } = listeningLog()
    const env = { PATH: process.env.PATH, NOTIFY_SOCKET: join(folder, 'notify') }
    const systemd = createSystemdNotify({ log, env, program })
    for (let i = 0; i < 6; i += 1) systemd.alive('well')
    expect(lines).toHaveLength(2)
    expect(await first()).toContain('does not come back')

    const failing = listeningLog()
    createSystemdNotify({ log: failing.log, env, program: '/bin/false' }).ready()
    expect(await failing.first()).toContain('ended with 1')
  })
})

describe('the watchdog that systemd asks for', () => {
  const msOf = (env: NodeJS.ProcessEnv) => createSystemdNotify({ log: silentLogger, env }).watchdogMs

  test.each([
    [{ WATCHDOG_USEC: '60000000', WATCHDOG_PID: String(process.pid) }, 60_000],
    [{ WATCHDOG_USEC: '60000000' }, 60_000],
    [{ WATCHDOG_USEC: '60000000', WATCHDOG_PID: '1' }, undefined],
    [{ WATCHDOG_USEC: 'soon' }, undefined],
    [{ WATCHDOG_USEC: '0' }, undefined],
    [{}, undefined],
  ])('%o is %s ms', (env, ms) => {
    expect(msOf(env)).toBe(ms)
  })
})

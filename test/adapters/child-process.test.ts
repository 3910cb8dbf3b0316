import { type ChildProcess, spawn } from 'node:child_process'
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { childEnvironment, createChildStarter } from '../../src/adapters/child-process.ts'
import { limits } from '../../src/base/limits.ts'
import { Secret } from '../../src/base/secret.ts'
import type { ChildCommand, ChildExit } from '../../src/capture/child.ts'
import { compiledSrc } from '../support/run-ts.ts'

const starter = createChildStarter()
const many = (script: string): ChildCommand => ({ argv: ['sh', '-c', script], secrets: [], members: 'many' })
const one = (...argv: [string, ...string[]]): ChildCommand => ({ argv, secrets: [], members: 'one' })

interface Heard {
  readonly output: string
  readonly lines: string[]
  readonly exit: ChildExit
}

async function runToEnd(command: ChildCommand): Promise<Heard> {
  const pieces: Uint8Array[] = []
  const lines: string[] = []
  const child = starter.start(command, { onBytes: (bytes) => pieces.push(bytes), onLine: (line) => lines.push(line) })
  const exit = await child.exit
  return { output: Buffer.concat(pieces).toString('latin1'), lines, exit }
}

/** Processes whose arguments hold `mark`: what is left of a group, wherever it was started. */
function processesWith(mark: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes(mark)
      } catch {
        return false
      }
    })
    .map(Number)
}

/** Waits until it is so; the deadline only keeps a broken test from hanging. */
async function until(isSo: () => boolean, deadlineMs: number): Promise<boolean> {
  for (let waited = 0; waited < deadlineMs; waited += 50) {
    if (isSo()) return true
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  return isSo()
}

let marks = 0
const freshMark = (): string => {
  marks += 1
  return `wpmark-${process.pid}-${marks}`
}

describe('a child process', () => {
  test.each(['one', 'many'] as const)('of %s member hands over all its output, then its code', async (members) => {
    const script = 'head -c 3000000 /dev/zero | tr "\\\\0" x; echo done >&2; exit 7'
    const heard = await runToEnd({ argv: ['sh', '-c', script], secrets: [], members })
    expect(heard.output.length).toBe(3_000_000)
    expect(heard.lines).toEqual(['done'])
    expect(heard.exit).toEqual({ kind: 'exited', code: 7 })
  })

  test('that is not installed is an answer, not an exception', async () => {
    expect((await runToEnd(one('no-such-program-here'))).exit).toEqual({
      kind: 'absent',
      program: 'no-such-program-here',
    })
    expect((await runToEnd(one('/etc'))).exit).toEqual({ kind: 'absent', program: '/etc' })
  })

  test('that the system refuses to start is an answer, not an exception', async () => {
    const { exit } = await runToEnd(one('sh', '-c', 'exit 0', 'a\u0000b'))
    expect(exit).toMatchObject({ kind: 'refused', program: 'sh' })
  })

  test('leads no life in our process group', async () => {
    const { output } = await runToEnd(one('sh', '-c', 'ps -o pgid= -p $$; echo $$'))
    const [group, own] = output.trim().split(/\s+/)
    expect(group).toBe(own)
  })

  test('is told nothing of our credentials', () => {
    const own = {
      PATH: '/bin',
      OSS_ACCESS_KEY_ID: 'a',
      MY_TOKEN: 'b',
      DB_PASSWORD: 'c',
      NOTIFY_SOCKET: '/run/n',
      LANG: 'C',
    }
    expect(childEnvironment(own)).toEqual({ PATH: '/bin', LANG: 'C' })
  })
})

describe('what it says', () => {
  const password = 'p@ss#word with spaces'
  const secrets = [new Secret('viewer'), new Secret(password)]
  const says = (text: string): ChildCommand => ({
    argv: ['sh', '-c', 'printf "%s" "$1" >&2', 'sh', text],
    secrets,
    members: 'one',
  })

  test('comes as lines without secrets, plain or encoded', async () => {
    const url = `rtsp://viewer:${encodeURIComponent(password)}@cam/x`
    const { lines } = await runToEnd(says(`${url}: refused\rsize= 1\n\nlogin ${password} failed\nlast`))
    expect(lines).toEqual(['rtsp://(secret):(secret)@cam/x: refused', 'size= 1', 'login (secret) failed', 'last'])
  })

  test('cannot move the cursor of a terminal', async () => {
    expect((await runToEnd(says('a\u001b[2Jb\u0007c\n'))).lines).toEqual(['a [2Jb c'])
  })

  test('is cut at the limit, wherever a secret lies in the line', async () => {
    for (let before = limits.childLineBytesMax - 80; before < limits.childLineBytesMax + 10; before += 1) {
      const { lines } = await runToEnd(says(`${'x'.repeat(before)}${password}${'y'.repeat(5000)}\nnext`))
      const [line = ''] = lines
      expect(line.length).toBeLessThanOrEqual(limits.childLineBytesMax)
      expect(line).not.toContain('p@s')
      expect(lines[1]).toBe('next')
      before += 12
    }
  })

  test('may repeat a secret beyond the limit', async () => {
    for (let before = 0; before < password.length; before += 3) {
      const { lines } = await runToEnd(says('x'.repeat(before) + password.repeat(500)))
      expect(lines.join()).toContain('(secret)(secret)')
      expect(lines.join()).not.toMatch(/p@?$|p@/)
    }
  })

  test('may be megabytes without a line end', async () => {
    const { lines, exit } = await runToEnd(
      one('sh', '-c', 'head -c 5000000 /dev/zero | tr "\\\\0" z >&2; echo >&2; echo end >&2'),
    )
    expect(exit).toEqual({ kind: 'exited', code: 0 })
    expect(lines).toEqual(['z'.repeat(limits.childLineBytesMax), 'end'])
  })
})

describe('stopping', () => {
  test('ends every member of a pipeline', async () => {
    const mark = freshMark()
    const started: string[] = []
    const child = starter.start(many(`sh -c 'echo up; sleep 600; : ${mark}' | sh -c 'cat; : ${mark}'`), {
      onBytes: (bytes) => started.push(Buffer.from(bytes).toString()),
      onLine: () => {},
    })
    await until(() => started.length > 0, 5_000)
    expect(processesWith(mark).length).toBeGreaterThanOrEqual(2)
    expect(await child.stop()).toBe(true)
    expect(await until(() => processesWith(mark).length === 0, 3_000)).toBe(true)
  })

  test.each(['one', 'many'] as const)('lets a command of %s member end in order on TERM', async (members) => {
    const script = 'trap "echo bye; exit 3" TERM; echo up; while :; do sleep 0.05; done'
    let output = ''
    const child = starter.start(
      { argv: ['sh', '-c', script], secrets: [], members },
      {
        onBytes: (bytes) => {
          output += Buffer.from(bytes).toString()
        },
        onLine: () => {},
      },
    )
    await until(() => output.includes('up'), 5_000)
    expect(await child.stop()).toBe(true)
    expect(await child.exit).toEqual({ kind: 'exited', code: 3 })
    expect(output).toBe('up\nbye\n')
  })

  test.each(['one', 'many'] as const)(
    'kills a command of %s member that ignores TERM, or is frozen',
    async (members) => {
      const mark = freshMark()
      let output = ''
      const script = `trap "" TERM; echo up; kill -STOP $$; : ${mark}`
      const child = starter.start(
        { argv: ['sh', '-c', script], secrets: [], members },
        {
          onBytes: (bytes) => {
            output += Buffer.from(bytes).toString()
          },
          onLine: () => {},
        },
      )
      await until(() => output.includes('up'), 5_000)
      expect(await child.stop()).toBe(true)
      expect(await child.exit).toEqual({ kind: 'killed', signal: 'SIGKILL' })
      expect(processesWith(mark)).toEqual([])
    },
  )

  test('a leader that leaves takes its group along, and nobody waits for a pipe that a daemon holds', async () => {
    const mark = freshMark()
    const { exit } = await runToEnd(many(`sh -c 'sleep 600; : ${mark}' & setsid sh -c 'sleep 20; : ${mark}' & exit 5`))
    expect(exit).toEqual({ kind: 'exited', code: 5 })
    const left = processesWith(mark)
    expect(left.length).toBeLessThanOrEqual(1) // the one that left the group for a session of its own
    for (const pid of left) process.kill(-pid, 'SIGKILL')
  })
})

describe('children of a recorder that is killed', () => {
  let folder: string
  let parent: ChildProcess | undefined

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'wp-child-'))
  })
  afterEach(() => {
    parent?.kill('SIGKILL')
    rmSync(folder, { recursive: true, force: true })
  })

  /** A process that starts one child and is then killed with KILL. Answers with what of the child is left 3 s later. */
  async function survivors(
    command: ChildCommand,
    mark: string,
    environment: NodeJS.ProcessEnv = {},
  ): Promise<number[]> {
    const adapter = join(await compiledSrc(), 'adapters/child-process.js')
    const script = `
      const { createChildStarter } = await import(${JSON.stringify(adapter)})
      const command = ${JSON.stringify(command)}
      createChildStarter().start(command, { onBytes: () => console.log('up'), onLine: (line) => console.log(line) })
      setTimeout(() => {}, 60000)`
    parent = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, ...environment },
    })
    let up = false
    parent.stdout?.on('data', (bytes: Buffer) => {
      up ||= bytes.toString().includes('up')
    })
    expect(await until(() => up, 20_000)).toBe(true)
    const running = processesWith(mark).filter((pid) => pid !== parent?.pid)
    expect(running.length).toBeGreaterThan(0)
    parent.kill('SIGKILL')
    await until(() => processesWith(mark).length === 0, 3_000)
    return processesWith(mark)
  }

  test('die with it: a program', async () => {
    const mark = freshMark()
    // Frozen, so that it cannot notice its closed pipe.
    const command = one('sh', '-c', `echo up; kill -STOP $$; : ${mark}`)
    expect(await survivors(command, mark)).toEqual([])
  })

  test('die with it: a pipeline whose members neither read nor write', async () => {
    const mark = freshMark()
    const command = many(`sh -c 'sleep 600; : ${mark}' | sh -c 'echo up; kill -STOP $$; : ${mark}'`)
    expect(await survivors(command, mark)).toEqual([])
  })

  test('die with it: a program where setpriv is missing or cannot do it', async () => {
    const mark = freshMark()
    const fake = join(folder, 'setpriv')
    writeFileSync(fake, '#!/bin/sh\nexit 1\n')
    chmodSync(fake, 0o755)
    const command = one('sh', '-c', `echo up; kill -STOP $$; : ${mark}`)
    expect(await survivors(command, mark, { PATH: `${folder}:${process.env.PATH}` })).toEqual([])
  })
})

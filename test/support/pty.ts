/**
 * A pseudo-terminal pair by `script` of util-linux, which every Debian has: the program under test opens the path as its
 * serial port, the test holds the other end. Closing it is pulling the cable.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

export interface PtyEnd {
  /** Of the other end, such as `/dev/pts/7`. */
  readonly path: string
  write(bytes: string | Uint8Array): void
  /** Everything that came so far. */
  text(): string
  /** Waits for it, at most 20 s. */
  until(pattern: RegExp): Promise<string>
  /** Nobody reads at this end any more, as with a terminal that holds its hand up (XOFF). Only `close` ends it. */
  freeze(): void
  /** The other end vanishes. */
  close(): Promise<void>
}

const patienceMs = 20_000

export async function openPty(): Promise<PtyEnd> {
  const folder = await mkdtemp(join(tmpdir(), 'watchpost-pty-'))
  const note = join(folder, 'tty')
  // Raw at once, or the line discipline would answer the test itself with an echo.
  const line = `stty raw -echo; tty > ${note}.new; mv ${note}.new ${note}; exec sleep 300`
  const child = spawn('script', ['-q', '-f', '-c', line, '/dev/null'], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, SHELL: '/bin/sh' },
  })
  let text = ''
  child.stdout.on('data', (bytes: Buffer) => {
    text += bytes.toString('latin1')
  })
  child.stdin.on('error', () => {})
  const path = await pathIn(note, child)
  await rm(folder, { recursive: true })
  return {
    path,
    write: (bytes) => void child.stdin.write(bytes),
    text: () => text,
    async until(pattern) {
      for (const started = Date.now(); Date.now() - started < patienceMs; await sleep(10)) {
        if (pattern.test(text)) return text
      }
      throw new Error(`${pattern} did not come; what came is ${JSON.stringify(text)}`)
    },
    freeze: () => void child.kill('SIGSTOP'),
    close: () =>
      new Promise((resolve) => {
        if (child.exitCode !== null || child.signalCode !== null) return resolve()
        child.once('exit', () => resolve())
        child.kill('SIGKILL')
      }),
  }
}

async function pathIn(note: string, child: ChildProcess): Promise<string> {
  for (const started = Date.now(); Date.now() - started < patienceMs; await sleep(10)) {
    const path = await readFile(note, 'utf8').catch(() => '')
    if (path !== '') return path.trim()
    if (child.exitCode !== null) break
  }
  child.kill('SIGKILL')
  throw new Error('script(1) made no terminal')
}

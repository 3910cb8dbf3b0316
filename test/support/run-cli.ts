/** The command `watchpost` as a person runs it: a process of its own, with what it wrote and how it ended. */
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { compiledSrc } from './run-ts.ts'

export interface Ran {
  /** `null` when a signal ended it, which a command never wants. */
  readonly code: number | null
  readonly bytes: Buffer
  /** Standard output as text. */
  readonly out: string
  /** Standard error. */
  readonly problem: string
}

export interface RunCliOptions {
  /** What stands in front of `node cli.js …`, such as `['unshare', '--mount', …]`. */
  readonly under?: readonly string[]
  /** A command that has not ended by then is killed, and the test fails. */
  readonly msMax?: number
}

export async function runCli(
  args: readonly string[],
  { under = [], msMax = 60_000 }: RunCliOptions = {},
): Promise<Ran> {
  const cli = join(await compiledSrc(), 'cli.js')
  const [program = process.execPath, ...rest] = [...under, process.execPath, cli, ...args]
  const child = spawn(program, rest, { stdio: ['ignore', 'pipe', 'pipe'] })
  const out: Buffer[] = []
  const problem: Buffer[] = []
  child.stdout.on('data', (bytes: Buffer) => out.push(bytes))
  child.stderr.on('data', (bytes: Buffer) => problem.push(bytes))
  const timer = setTimeout(() => child.kill('SIGKILL'), msMax)
  try {
    const code = await new Promise<number | null>((resolve, reject) => {
      child.on('error', reject)
      child.on('close', resolve)
    })
    const bytes = Buffer.concat(out)
    return { code, bytes, out: bytes.toString(), problem: Buffer.concat(problem).toString() }
  } finally {
    clearTimeout(timer)
  }
}

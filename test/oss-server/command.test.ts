import { spawn } from 'node:child_process'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { Command } from 'commander'
import { describe, expect, onTestFinished, test } from 'vitest'
import { CommandError } from '../../src/commands/command-error.ts'
import { registerOssServer } from '../../src/commands/oss-server.ts'
import { compiledSrc } from '../support/run-ts.ts'
import { client, temporaryFolder } from './setup.ts'

async function run(...options: string[]): Promise<unknown> {
  const program = new Command('watchpost').exitOverride()
  registerOssServer(program)
  return program.parseAsync(['oss-server', ...options], { from: 'user' }).catch((error: unknown) => error)
}

describe('watchpost oss-server', () => {
  test('serves with the keys and settings it prints, and stops when told', async () => {
    const main = join(await compiledSrc(), 'commands/oss-server.js')
    const dir = await temporaryFolder()
    const script = `
      import { Command } from 'commander'
      import { registerOssServer } from 'file://${main}'
      const program = new Command('watchpost')
      registerOssServer(program)
      await program.parseAsync(process.argv.slice(1), { from: 'user' })
    `
    const options = ['oss-server', '--dir', dir, '--port', '0', '--bucket', 'footage', '--region', 'cn-beijing']
    const child = spawn(process.execPath, ['--input-type=module', '--eval', script, ...options], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    onTestFinished(() => {
      child.kill('SIGKILL')
    })
    let printed = ''
    for await (const piece of child.stdout) {
      printed += String(piece)
      if (printed.includes('accessKeySecret')) break
    }
    const value = (name: string) => new RegExp(`${name}: (\\S+)`).exec(printed)?.[1] ?? ''
    const oss = client({ keys: {}, bucket: 'footage', region: 'cn-beijing' } as never, {
      accessKeyId: value('accessKeyId'),
      accessKeySecret: value('accessKeySecret'),
      endpoint: value('endpoint'),
    })
    await oss.append('a', Buffer.from('abc'), { position: '0' })
    expect(printed).toContain('pathStyle: true')
    child.kill('SIGTERM')
    const code = await new Promise((resolve) => child.once('exit', (status, signal) => resolve(status ?? signal)))
    expect(code).toBe(0)
  })

  test.each([
    ['a bad bucket', ['--bucket', 'No_Bucket'], 2, '"No_Bucket" is no bucket name'],
    ['a bad port', ['--bucket', 'footage', '--port', '70000'], 2, '--port is "70000"'],
    ['half a key', ['--bucket', 'footage', '--access-key-id', 'k'], 2, 'two halves'],
    ['a region with oss-', ['--bucket', 'footage', '--region', 'oss-cn-beijing'], 2, 'no region'],
    ['a limit that OSS has not', ['--bucket', 'footage', '--size-limit', '6000000000'], 2, '--size-limit'],
    [
      'a directory that cannot be',
      ['--bucket', 'footage', '--port', '0', '--dir', '/proc/nowhere'],
      3,
      '/proc/nowhere',
    ],
  ])('says what is wrong with %s', async (_name, options, exitCode, words) => {
    const error = await run('--dir', await temporaryFolder(), ...options)
    expect(error).toBeInstanceOf(CommandError)
    expect(error).toMatchObject({ exitCode, message: expect.stringContaining(words) })
  })

  test('says when the port is taken', async () => {
    const other = createServer()
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
    const { port } = other.address() as AddressInfo
    const error = await run('--dir', await temporaryFolder(), '--bucket', 'footage', '--port', String(port))
    expect(error).toMatchObject({ exitCode: 4, message: expect.stringContaining(`Port ${port} is in use`) })
    other.close()
  })
})

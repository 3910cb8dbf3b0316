/**
 * `watchpost oss-server`: a bucket on this machine for trying things out, with OSS's rules and nobody's account.
 *
 * Prints the settings that point a recorder at it. A secret is printed only when it was made here: otherwise the person
 * has it already, and a terminal is no place to repeat it.
 */
import type { Command } from 'commander'
import { type OssServer, type OssServerOptions, startOssServer } from '../oss-server/server.ts'
import { CommandError } from './command-error.ts'

interface Options {
  readonly dir: string
  readonly port: string
  readonly bucket: string
  readonly region: string
  readonly accessKeyId?: string
  readonly accessKeySecret?: string
  readonly publicRead?: boolean
  readonly sizeLimit?: string
  readonly faults?: boolean
}

/** OSS takes objects of up to 5 GB; more would promise what the service does not keep. */
const sizeLimitMax = 5e9

export function registerOssServer(program: Command): void {
  program
    .command('oss-server')
    .description('serve a bucket from this machine, with the rules of OSS, to try things out')
    .requiredOption('--dir <directory>', 'where the objects are kept')
    .option('--port <number>', 'port on 127.0.0.1; 0 takes any free one', '9000')
    .requiredOption('--bucket <name>', 'the bucket')
    .option('--region <region>', 'its region, as in signatures', 'cn-hangzhou')
    .option('--access-key-id <id>', 'first half of the access key (default: a pair is made and printed)')
    .option('--access-key-secret <secret>', 'second half of the access key')
    .option('--public-read', 'let anybody read objects')
    .option('--size-limit <bytes>', 'largest object, 5000000000 at most')
    .option('--faults', 'take orders to fail at /-/faults, from this machine')
    .action(async (options: Options) => {
      const server = await start(readOptions(options))
      process.stdout.write(introduction(server, options))
      await new Promise<void>((resolve) => {
        process.once('SIGTERM', () => resolve())
        process.once('SIGINT', () => resolve())
      })
      await server.close()
    })
}

function readOptions(options: Options): OssServerOptions {
  const port = wholeNumber('--port', options.port, 65_535)
  if (!/^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$/.test(options.bucket)) {
    const rule = '3 to 63 of a-z, 0-9 and -, neither first nor last a -'
    throw new CommandError(2, `"${options.bucket}" is no bucket name: it has ${rule}. Give another --bucket.`)
  }
  if (!/^[a-z]+(-[a-z0-9]+)+$/.test(options.region) || options.region.startsWith('oss-')) {
    throw new CommandError(
      2,
      `"${options.region}" is no region: write --region as in a signature, for example cn-hangzhou.`,
    )
  }
  const { accessKeyId, accessKeySecret } = options
  if ((accessKeyId === undefined) !== (accessKeySecret === undefined)) {
    throw new CommandError(
      2,
      'An access key has two halves: give both --access-key-id and --access-key-secret, or neither.',
    )
  }
  if (accessKeyId === '' || accessKeySecret === '') {
    throw new CommandError(2, '--access-key-id and --access-key-secret must not be empty.')
  }
  return {
    dir: options.dir,
    bucket: options.bucket,
    region: options.region,
    port,
    publicRead: options.publicRead === true,
    faultsOverHttp: options.faults === true,
    ...(accessKeyId === undefined || accessKeySecret === undefined ? {} : { keys: { accessKeyId, accessKeySecret } }),
    ...(options.sizeLimit === undefined
      ? {}
      : { sizeLimitBytes: wholeNumber('--size-limit', options.sizeLimit, sizeLimitMax) }),
  }
}

function wholeNumber(option: string, text: string, most: number): number {
  const value = Number(text)
  if (!/^\d+$/.test(text) || value > most) {
    throw new CommandError(2, `${option} is "${text}": it must be a whole number from 0 to ${most}.`)
  }
  return value
}

async function start(options: OssServerOptions): Promise<OssServer> {
  try {
    return await startOssServer(options)
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : ''
    const words = error instanceof Error ? error.message : String(error)
    if (code === 'EADDRINUSE') {
      throw new CommandError(
        4,
        `Port ${options.port} is in use by another program: give another --port, or 0 for any free one.`,
      )
    }
    if (code === 'EACCES' && words.startsWith('listen')) {
      throw new CommandError(3, `Port ${options.port} is not open to this user: give a --port above 1023.`)
    }
    throw new CommandError(
      3,
      `The directory ${options.dir} cannot be used (${words}): give a --dir that this user may write.`,
    )
  }
}

function introduction(server: OssServer, options: Options): string {
  const made = options.accessKeyId === undefined
  const lines = [
    `Serving the bucket ${server.bucket} at ${server.url}, objects in ${options.dir}. Ctrl-C stops it.`,
    '',
    made
      ? 'Settings of a recorder that sends here:'
      : 'Settings of a recorder that sends here, with the access key you gave:',
    '',
    'store:',
    `  bucket: ${server.bucket}`,
    `  region: ${server.region}`,
    `  endpoint: ${server.url}`,
    '  pathStyle: true',
    '  credentials:',
    `    accessKeyId: ${made ? server.keys.accessKeyId : `'${server.keys.accessKeyId}'`}`,
    made ? `    accessKeySecret: ${server.keys.accessKeySecret}` : "    accessKeySecret: '…'",
    '',
  ]
  if (options.faults === true) lines.push(`Faults are ordered with POST ${server.url}/-/faults.`, '')
  return `${lines.join('\n')}\n`
}

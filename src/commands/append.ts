/** `watchpost append`: any file or stream to any object, each byte once, proven by length and CRC-64. */
import { open } from 'node:fs/promises'
import { resolve } from 'node:path'
import { type Command, Option } from 'commander'
import { systemClock } from '../adapters/system-clock.ts'
import { systemRandom } from '../adapters/system-random.ts'
import { crc64Text } from '../base/crc64.ts'
import type { Result } from '../base/result.ts'
import { objectHeaders } from '../config/object-headers.ts'
import type { Extent } from '../format/recording.ts'
import { type AppendWorld, appendBytes, endOf, keyProblem } from '../uplink/append-bytes.ts'
import { appendFile, type FileFailure } from '../uplink/append-file.ts'
import { createLinkRate } from '../uplink/link-rate.ts'
import type { CreationHeaders } from '../uplink/object-store.ts'
import { fileBytes, streamBytes } from './append-input.ts'
import { createBaseNote, notePath } from './append-note.ts'
import { createProgress, type Progress } from './append-progress.ts'
import { CommandError, type FailureCode } from './command-error.ts'
import { configOption } from './config-option.ts'
import { type StoreAndSettings, storeFromSettings } from './store-from-settings.ts'

interface AppendCommandOptions {
  readonly config: string
  readonly after: boolean
  readonly contentType: string
}

export function registerAppend(program: Command): void {
  program
    .command('append')
    .description('append a file or standard input to an object, each byte exactly once; run it again to continue')
    .argument('<key>', "the object's name in the bucket, exactly as it is (no prefix is added)")
    .argument('[file]', 'the file to append, or - for standard input', '-')
    .option(
      '--after',
      'the file follows what the object holds (otherwise the object must be the beginning of the file)',
    )
    .addOption(new Option('--content-type <type>', 'of a new object').default('application/octet-stream'))
    .addOption(configOption())
    .action(async (key: string, file: string, options: AppendCommandOptions) => {
      const problem = keyProblem(key)
      if (problem !== undefined) throw new CommandError(2, `The key ${problem}`)
      if (file === '-' && process.stdin.isTTY) throw new CommandError(2, terminalWords(key))
      const opened = await storeFromSettings(options.config)
      const stop = new AbortController()
      const onSignal = (): void => stop.abort()
      process.once('SIGINT', onSignal).once('SIGTERM', onSignal)
      try {
        await (file === '-'
          ? fromStream(opened, key, options, stop.signal)
          : fromFile(opened, { key, file, options }, stop.signal))
      } finally {
        process.off('SIGINT', onSignal).off('SIGTERM', onSignal)
        await opened.store.close()
      }
    })
}

const terminalWords = (key: string): string =>
  `There is nothing to append: standard input is a terminal. Name a file (watchpost append ${key} FILE) or pipe something in.`

function worldOf({ store, settings }: StoreAndSettings, progress: Progress): AppendWorld {
  const cap = settings.uplink.bitsPerSMax
  const rate = createLinkRate(systemClock, cap === undefined ? undefined : cap / 8)
  return { store, clock: systemClock, random: systemRandom, rate, progress: progress.at, trouble: progress.trouble }
}

const creationOf = ({ settings }: StoreAndSettings, contentType: string): CreationHeaders => ({
  contentType,
  headers: { ...objectHeaders(settings.store), 'x-oss-meta-device': settings.device },
})

async function fromFile(
  opened: StoreAndSettings,
  what: { readonly key: string; readonly file: string; readonly options: AppendCommandOptions },
  signal: AbortSignal,
): Promise<void> {
  const { key, file, options } = what
  const handle = await open(file).catch((error: NodeJS.ErrnoException) => {
    throw new CommandError(3, `${file} cannot be opened (${error.code ?? error.message}).`)
  })
  try {
    const facts = await handle.stat()
    if (!facts.isFile())
      throw new CommandError(2, `${file} is no regular file; pipe it in instead: watchpost append ${key} - < ${file}`)
    if (facts.size === 0) return say(`${file} is empty: nothing to append.`)
    const place = { bucket: opened.settings.store.bucket, key, file: resolve(file) }
    const after = options.after ? createBaseNote(place) : undefined
    const progress = createProgress(key, options.after ? undefined : facts.size)
    const order = { key, creation: creationOf(opened, options.contentType), file: fileBytes(handle, facts.size), after }
    const done = await appendFile(worldOf(opened, progress), order, signal)
    progress.end()
    if (!done.ok) throw failure(done.error, options.after ? ` (Notes of this attempt: ${notePath(place)})` : '')
    const { extent, before, sent } = done.value
    const had = before === 0 ? '' : `; ${before} were there already`
    say(
      sent === 0
        ? `${key} holds all of ${file} already. ${proof(extent)}`
        : `${sent} bytes appended to ${key}${had}. ${proof(extent)}`,
    )
  } finally {
    await handle.close()
  }
}

async function fromStream(
  opened: StoreAndSettings,
  key: string,
  options: AppendCommandOptions,
  signal: AbortSignal,
): Promise<void> {
  const progress = createProgress(key, undefined)
  const world = worldOf(opened, progress)
  const from = answered(await endOf(world, key, signal))
  const source = streamBytes(process.stdin)
  const order = { key, creation: creationOf(opened, options.contentType), from, source }
  const done = await appendBytes(world, order, signal)
  progress.end()
  const extent = answered(done)
  const sent = extent.length - from.length
  say(
    sent === 0 ? 'Standard input was empty: nothing to append.' : `${sent} bytes appended to ${key}. ${proof(extent)}`,
  )
}

const proof = ({ length, crc64 }: Extent): string =>
  `The store confirms ${length} bytes with CRC-64 ${crc64Text(crc64)}, as sent.`

const say = (text: string): void => void process.stdout.write(`${text}\n`)

const codes: Readonly<Record<FileFailure['kind'], FailureCode>> = { changed: 1, unfit: 1, stopped: 1, store: 3 }

const failure = ({ kind, message }: FileFailure, more = ''): CommandError =>
  new CommandError(
    codes[kind],
    `${message}${kind === 'store' || kind === 'stopped' ? ' Run the same command again to continue.' : ''}${more}`,
  )

function answered(result: Result<Extent, FileFailure>): Extent {
  if (result.ok) return result.value
  const { kind, message } = result.error
  const lost =
    kind === 'store' || kind === 'stopped' ? ' What was read from standard input after that is not stored.' : ''
  throw new CommandError(codes[kind], `${message}${lost}`)
}

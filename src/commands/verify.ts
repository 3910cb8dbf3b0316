/** `watchpost verify`: is the archive what the recorder says it is? An exit code per kind of finding. */
import type { Command } from 'commander'
import { ffmpegDecoder } from '../adapters/ffmpeg-decoder.ts'
import { systemClock } from '../adapters/system-clock.ts'
import { findingTable } from '../reader/findings.ts'
import { resolveTarget } from '../reader/target.ts'
import { type VerifyReport, type VerifyTarget, verify } from '../reader/verify.ts'
import type { VerifiedObject } from '../reader/verify-object.ts'
import { objectText, reportJson, summaryText } from '../reader/verify-text.ts'
import { configOption } from './config-option.ts'
import { answered, momentHelp, momentOption, type OpenArchive, openArchive, triesMax } from './read-archive.ts'

interface VerifyOptions {
  readonly config: string
  readonly since?: string
  readonly until?: string
  readonly decode: boolean
  readonly json?: boolean
}

const exitCodes = [
  '',
  'Exit codes (the gravest finding decides):',
  '   0  everything verified',
  '   2  wrong usage or settings',
  '   3  the store could not be asked',
  ...findingTable.map((row) => `  ${row.exitCode}  ${row.kind}: ${row.means}`),
].join('\n')

export function registerVerify(program: Command): void {
  program
    .command('verify')
    .description('download footage and compare it with every checksum, playlist and catalogue line; name every gap')
    .argument('[camera|key]', 'a camera, DEVICE/CAMERA, or one object; without it, everything of this device')
    .addOption(configOption())
    .option('--since <time>', `of a camera: only recordings that end after this time, ${momentHelp}`)
    .option('--until <time>', 'of a camera: only recordings that begin before this time')
    .option('--no-decode', 'leave out the decoding by ffmpeg, which takes the longest')
    .option('--json', 'for programs: one JSON document, times in UTC')
    .addHelpText('after', exitCodes)
    .action(async (name: string | undefined, options: VerifyOptions) => {
      const open = await openArchive(options.config, triesMax)
      try {
        const report = await runVerify(open, name, options)
        process.stdout.write(
          options.json ? `${JSON.stringify(reportJson(report), undefined, 2)}\n` : summaryText(report, open.timeZone),
        )
        process.exitCode = report.exitCode
      } finally {
        await open.close()
      }
    })
}

async function runVerify(open: OpenArchive, name: string | undefined, options: VerifyOptions): Promise<VerifyReport> {
  const sinceMs = momentOption(options.since, open.timeZone)
  const untilMs = momentOption(options.until, open.timeZone)
  const range = { ...(sinceMs === undefined ? {} : { sinceMs }), ...(untilMs === undefined ? {} : { untilMs }) }
  const target: VerifyTarget =
    name === undefined
      ? { kind: 'everything', place: open.place }
      : answered(await resolveTarget(open.archive, open.place, name, open.signal))
  const line = progressLine()
  const world = {
    archive: open.archive,
    catalogues: open.catalogues,
    nowMs: systemClock.wall(),
    decoder: options.decode ? ffmpegDecoder() : undefined,
    progress: (key: string, bytes: number, length: number) =>
      line.show(`${Math.floor((100 * bytes) / length)} %  ${key}`),
    done(object: VerifiedObject) {
      line.clear()
      if (!options.json) process.stdout.write(objectText(object))
    },
  }
  const report = await verify(world, target, range, open.signal)
  line.clear()
  return answered(report)
}

/** One line that is written over, on a terminal only. */
function progressLine(): { show(text: string): void; clear(): void } {
  if (!process.stderr.isTTY) return { show: () => {}, clear: () => {} }
  return {
    show: (text) => process.stderr.write(`\r\u001b[K${text.slice(0, (process.stderr.columns ?? 80) - 1)}`),
    clear: () => process.stderr.write('\r\u001b[K'),
  }
}

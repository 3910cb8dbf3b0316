/**
 * `watchpost console`: the console on the serial port of the settings, as a process of its own, so that nothing typed
 * there can stop the recorder; with `--stdio` here on this terminal.
 */
import type { Command } from 'commander'
import { askControl } from '../adapters/control-socket.ts'
import { keepSerialPort } from '../adapters/serial-port.ts'
import { loadSettings, readSettingsFile, saveSettingsFile } from '../adapters/settings-file.ts'
import { systemClock } from '../adapters/system-clock.ts'
import { createLogger } from '../base/log.ts'
import { err } from '../base/result.ts'
import type { ConsoleWorld } from '../console/console-world.ts'
import { type ConsoleWire, serveConsole } from '../console/serve-console.ts'
import { CommandError } from './command-error.ts'
import { configOption } from './config-option.ts'
import { settingsOrFail } from './store-from-settings.ts'

export function registerConsole(program: Command): void {
  program
    .command('console')
    .description('serve the console on the serial port of the settings')
    .addOption(configOption())
    .option('--stdio', 'here instead, on standard input and output')
    .action(async (options: { readonly config: string; readonly stdio?: boolean }) => {
      const stop = new AbortController()
      const end = (): void => stop.abort()
      process.once('SIGTERM', end)
      process.once('SIGINT', end)
      const world = worldOf(options.config, program.version() ?? '')
      if (options.stdio === true) await serveHere(world, stop)
      else await servePort(options.config, world, stop.signal)
    })
}

async function servePort(config: string, world: ConsoleWorld, signal: AbortSignal): Promise<void> {
  const { console: port } = settingsOrFail(config, await loadSettings(config))
  if (port.port === undefined) {
    throw new CommandError(
      2,
      `The console is off: ${config} names no console.port. For a console here: watchpost console --stdio`,
    )
  }
  const log = createLogger({ sink: { write: (line) => process.stderr.write(`${line}\n`) }, clock: systemClock })
  await keepSerialPort({
    path: port.port,
    baud: port.baud,
    clock: systemClock,
    log,
    signal,
    serve: (wire) => serveConsole(wire, world, signal),
  })
}

async function serveHere(world: ConsoleWorld, stop: AbortController): Promise<void> {
  const { stdin, stdout } = process
  const terminal = stdin.isTTY === true
  if (terminal) stdin.setRawMode(true)
  stop.signal.addEventListener('abort', () => stdin.destroy(), { once: true })
  const wire: ConsoleWire = {
    incoming: bytesOf(stdin),
    terminal,
    write: (text) => new Promise((resolve) => stdout.write(text, () => resolve())),
  }
  try {
    await serveConsole(wire, world, stop.signal)
  } finally {
    if (terminal) stdin.setRawMode(false)
    stdin.destroy()
  }
}

async function* bytesOf(stream: NodeJS.ReadableStream): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of stream) yield typeof chunk === 'string' ? Buffer.from(chunk) : chunk
  } catch {
    // Destroyed, since the process was asked to end.
  }
}

function worldOf(config: string, version: string): ConsoleWorld {
  return {
    version,
    async readSettings() {
      const text = await readSettingsFile(config)
      return text.ok ? text : err(text.error.map((problem) => problem.message).join(' '))
    },
    saveSettings: (text) => saveSettingsFile(config, text),
    async ask(request) {
      // Looked up each time: the settings may have been committed with another socket, or may just be broken.
      const settings = await loadSettings(config)
      if (!settings.ok)
        return err(`The settings are not right, so the recorder cannot be asked: watchpost check --config ${config}`)
      const answer = await askControl(settings.value.control.socket, request)
      return answer.ok ? answer : err(answer.error.message)
    },
  }
}

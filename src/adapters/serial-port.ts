/**
 * A serial port as wires for the console, over `serialport`. The port is opened again whenever it is missing, busy, or
 * vanishes (a USB adapter that was pulled): the console comes back by itself, and nothing else of the recorder notices.
 */
import { stat } from 'node:fs/promises'
import { SerialPort } from 'serialport'
import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/log.ts'
import type { ConsoleWire } from '../console/serve-console.ts'

/** Between two tries to open the port. People plug in an adapter and wait about as long. */
const retryMs = 3_000
/** A pulled adapter is noticed this much late. */
const plugLookMs = 2_000
/** Bytes that may wait to be read: more than a person types, far less than a noisy wire sends. */
const heldBytesMax = 4096
/** 8 KiB take 8.5 s at 9600 baud; a wire that takes nothing for longer has nobody at its end (flow control). */
const writeMsMax = 20_000

export interface SerialPortOptions {
  readonly path: string
  readonly baud: number
  readonly clock: Clock
  readonly log: Logger
  readonly signal: AbortSignal
  /** Called with each wire; when it returns, the port is closed and, unless stopped, opened again. */
  serve(wire: ConsoleWire): Promise<unknown>
}

/** Serves the port until the signal. Never rejects for what a port may do. */
export async function keepSerialPort(options: SerialPortOptions): Promise<void> {
  const { path, clock, log, signal } = options
  while (!signal.aborted) {
    const port = await opened(options)
    if (port === undefined) {
      await clock.sleep(retryMs, signal)
      continue
    }
    log.info('console-open', `The console answers on ${path}.`, { port: path })
    const leave = (): void => {
      port.destroy()
    }
    signal.addEventListener('abort', leave, { once: true })
    port.on('close', leave)
    const over = new AbortController()
    const plug = watchPlug(path, port, clock, over.signal)
    try {
      await options.serve(wireOf(port, clock, signal))
    } finally {
      over.abort()
      await plug
      signal.removeEventListener('abort', leave)
      await closed(port)
    }
    if (signal.aborted) return
    log.info('console-closed', `The session on ${path} has ended; the console opens the port again.`, { port: path })
    // A port that is there but gives nothing must not become a busy loop.
    await clock.sleep(200, signal)
  }
}

/** An idle port does not notice that its adapter was pulled: its device file tells, also when another has its name now. */
async function watchPlug(path: string, port: SerialPort, clock: Clock, signal: AbortSignal): Promise<void> {
  const plugged = await identityOf(path)
  while (!signal.aborted) {
    await clock.sleep(plugLookMs, signal)
    if (!signal.aborted && (await identityOf(path)) !== plugged) port.destroy()
  }
}

const identityOf = (path: string): Promise<string | undefined> =>
  stat(path).then(
    ({ dev, ino, rdev }) => `${dev}:${ino}:${rdev}`,
    () => undefined,
  )

function opened({ path, baud, log }: SerialPortOptions): Promise<SerialPort | undefined> {
  const port = new SerialPort({ path, baudRate: baud, autoOpen: false, highWaterMark: heldBytesMax })
  port.on('error', (error) => log.warn('console-port', `The serial port ${path} has a problem: ${error.message}.`))
  return new Promise((resolve) => {
    port.open((error) => {
      if (error === null) return resolve(port)
      log.warn('console-port', openSentence(path, error.message), { port: path })
      resolve(undefined)
    })
  })
}

function wireOf(port: SerialPort, clock: Clock, signal: AbortSignal): ConsoleWire {
  return { incoming: bytesOf(port), terminal: true, write: (text) => written(port, text, clock, signal) }
}

async function* bytesOf(port: SerialPort): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of port) yield chunk as Uint8Array
  } catch {
    // The port was destroyed, by us or since the adapter was pulled: the wire ends.
  }
}

async function written(port: SerialPort, text: string, clock: Clock, signal: AbortSignal): Promise<void> {
  if (!port.isOpen) return
  const done = new AbortController()
  const end = (): void => done.abort()
  port.once('close', end)
  port.write(text, () => port.drain(end))
  await clock.sleep(writeMsMax, AbortSignal.any([done.signal, signal]))
  port.off('close', end)
  if (!done.signal.aborted) port.destroy()
}

function closed(port: SerialPort): Promise<void> {
  return new Promise((resolve) => {
    if (!port.isOpen) {
      port.destroy()
      return resolve()
    }
    port.close(() => {
      port.destroy()
      resolve()
    })
  })
}

function openSentence(path: string, why: string): string {
  const again = 'The console tries again until it works; the recorder goes on.'
  if (/ENOENT|No such file/i.test(why)) return `There is no serial port ${path}. ${again}`
  if (/EACCES|Permission denied/i.test(why)) {
    return `This user may not open the serial port ${path}; add it to the group dialout. ${again}`
  }
  if (/EBUSY|busy|lock/i.test(why)) {
    return `The serial port ${path} is used by another program, perhaps a login console (getty). ${again}`
  }
  return `The serial port ${path} could not be opened (${why}). ${again}`
}

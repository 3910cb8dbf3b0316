#!/usr/bin/env node
/**
 * `npm run demo`: the main job in about a minute, with everything real but the camera's scene and the cloud's address.
 *
 * A stand-in for the store and a recorder start; the object grows and plays; the network is cut, footage waits; it
 * returns and drains; the recorder is killed and started again; at the end what lies in the store is held against two
 * witnesses that never passed through the buffer or the uplink. Exit 0 only when that proof holds.
 */
import { mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { Command, InvalidArgumentError } from 'commander'
import { type DemoOptions, playDemo } from './play.ts'
import { createScreen } from './screen.ts'

/** Shorter than this there is no time for an outage, a drain and a restart. */
const shortestS = 30

function seconds(text: string): number {
  const value = Number(text)
  if (!Number.isFinite(value) || value < shortestS || value > 86_400) {
    throw new InvalidArgumentError(`It takes ${shortestS} to 86400 seconds.`)
  }
  return value
}

/** An address as it is; a file as an absolute path, since the settings are read from another directory. */
function cameraSource(text: string): string {
  if (/^rtsps?:\/\//.test(text)) return text
  const path = resolve(text)
  if (statSync(path, { throwIfNoEntry: false })?.isFile() === true) return path
  throw new InvalidArgumentError(`There is no video file ${path}, and it is no rtsp:// address.`)
}

const options = new Command('demo')
  .description('Shows the whole recorder at work on this machine: no camera, cloud or hardware needed.')
  .option('--for <seconds>', 'how long the story takes', seconds, 60)
  .option('--stay', 'record on afterwards, until Ctrl-C, and prove then')
  .option('--camera <source>', 'a real camera (rtsp://…) or a video file, instead of the test picture', cameraSource)
  .option('--dir <directory>', 'keep everything here: objects, buffer, settings, log, witnesses')
  .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2))
  .parse()
  .opts<{ for: number; stay?: true; camera?: string; dir?: string }>()

function directoryOf(given: string | undefined): string {
  if (given === undefined) return mkdtempSync(join(tmpdir(), 'watchpost-demo-'))
  mkdirSync(given, { recursive: true })
  // Each demo proves its own footage: what an earlier one left must not be mixed with it.
  return mkdtempSync(join(resolve(given), 'demo-'))
}

const stop = new AbortController()
let interrupts = 0
process.on('SIGINT', () => {
  interrupts += 1
  if (interrupts > 1) process.exit(130)
  stop.abort()
})
process.on('SIGTERM', () => stop.abort())

const terminal = {
  isTty: process.stdout.isTTY === true,
  // Asked each time: a person may change the window's width.
  get columns(): number {
    return process.stdout.columns ?? 100
  },
  write: (text: string): void => void process.stdout.write(text),
}
const directory = directoryOf(options.dir)
const demo: DemoOptions = {
  directory,
  lengthS: options.for,
  stay: options.stay === true,
  camera: options.camera,
}

try {
  const verified = await playDemo(demo, createScreen(terminal), stop.signal)
  if (verified && options.dir === undefined) rmSync(directory, { recursive: true, force: true })
  else process.stderr.write(`Everything is kept in ${directory}\n`)
  process.exit(verified ? 0 : 1)
} catch (error) {
  process.stderr.write(`The demo could not go on: ${error instanceof Error ? error.message : String(error)}\n`)
  process.stderr.write(`The recorder's log is ${join(directory, 'recorder.log')}\n`)
  process.exit(1)
}

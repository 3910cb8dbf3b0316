/** A real Chromium on the page of `watchpost view`, and what it knows of its picture. */
import { existsSync } from 'node:fs'
import { type Browser, chromium, type Page } from 'playwright-core'

/** Debian's and macOS's places; `CHROMIUM` names another. */
const places = [
  process.env.CHROMIUM ?? '',
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
]

/** What `window.watchpost.state()` says. */
export interface PageState {
  readonly key: string | null
  readonly live: boolean | null
  readonly following: boolean
  readonly currentTime: number
  readonly playingDateMs: number | null
  readonly behindMs: number | null
  readonly stillForMs: number
  readonly stalls: number
  readonly errors: number
  readonly madeAnew: number
  readonly playlistLoads: number
  readonly playlistBytes: number
  readonly problem: string | null
  readonly message: string
  readonly recordings: number
  readonly gaps: number
}

export interface OpenPage {
  readonly page: Page
  /** What the page wrote to its console as errors, and what it threw. */
  readonly complaints: string[]
  /** How often the document was loaded: 1 unless somebody reloaded. */
  loads(): number
  close(): Promise<void>
}

/** @throws if there is no browser; the message says what to install */
export async function openPage(url: string, viewport = { width: 1280, height: 800 }): Promise<OpenPage> {
  const executablePath = places.find((path) => path !== '' && existsSync(path))
  if (executablePath === undefined) throw new Error('No Chromium was found. Debian: apt-get install chromium')
  const browser: Browser = await chromium.launch({
    executablePath,
    args: [
      ...['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking'],
      ...['--disable-component-update', '--disable-sync', '--autoplay-policy=no-user-gesture-required'],
    ],
  })
  const page = await browser.newPage({ viewport })
  const complaints: string[] = []
  let loads = 0
  page.on('domcontentloaded', () => {
    loads += 1
  })
  page.on('pageerror', (error) => complaints.push(error.message))
  page.on('console', (message) => {
    // A server that is away shows up as failed requests; those are wanted here.
    if (message.type() === 'error' && !/Failed to load resource/.test(message.text())) complaints.push(message.text())
  })
  await page.goto(url)
  return { page, complaints, loads: () => loads, close: () => browser.close() }
}

export const pageState = (page: Page): Promise<PageState> =>
  page.evaluate(() => Reflect.get(globalThis, 'watchpost').state()) as Promise<PageState>

/**
 * Waits until the page's state is as wanted.
 *
 * @throws after `msMax`, with the last state
 */
export async function waitForState(
  page: Page,
  wanted: (state: PageState) => boolean,
  msMax: number,
): Promise<PageState> {
  const until = Date.now() + msMax
  for (;;) {
    const state = await pageState(page)
    if (wanted(state)) return state
    if (Date.now() > until) throw new Error(`still waiting after ${msMax} ms: ${JSON.stringify(state)}`)
    await page.waitForTimeout(100)
  }
}

export interface Picture {
  /** Whole seconds of wall time as burned into the picture, modulo 2^bits (see `support/clip.ts`). */
  readonly clock: number
  /** Over all pixels: another picture has another sum. */
  readonly sum: number
  /** The date the player gives this picture. */
  readonly dateMs: number | null
}

/** Runs in the page: as text, since the types of a browser are not those of this program. */
const pictureScript = (bits: number): string => `(() => {
  const video = document.getElementById('video')
  const canvas = document.createElement('canvas')
  const { videoWidth: width, videoHeight: height } = video
  Object.assign(canvas, { width, height })
  const context = canvas.getContext('2d')
  context.drawImage(video, 0, 0)
  const dateMs = watchpost.state().playingDateMs
  const { data } = context.getImageData(0, 0, width, height)
  let sum = 0
  for (let index = 0; index < data.length; index += 4) sum = (sum * 31 + data[index + 1]) % 2147483647
  let clock = 0
  for (let bit = 0; bit < ${bits}; bit += 1) {
    const x = Math.floor((bit + 0.5) * width / ${bits})
    const y = Math.floor(height / 20)
    if (data[(y * width + x) * 4 + 1] > 128) clock += 2 ** bit
  }
  return { clock, sum, dateMs }
})()`

export const readPicture = (page: Page, clockBits: number): Promise<Picture> => page.evaluate(pictureScript(clockBits))

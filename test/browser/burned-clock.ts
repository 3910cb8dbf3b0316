/**
 * What time does the picture itself say? The test camera burns its clock into each frame; here it is read back from the
 * page's video element, digit by digit, so that the age of the picture is measured without believing the player.
 *
 * Templates come from the same ffmpeg, which draws all signs once: no font is assumed. Reading is by nearest template;
 * a frame that cannot be read with certainty is `undefined`, not a guess.
 */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import type { Page } from 'playwright-core'

const signs = '0123456789-:.Z'
/** A pixel is part of a sign when brighter than this: the box behind the text leaves at most 102 of 255. */
const whiteMin = 150
/** Of a sign's pixels this part may differ from its template: encoding smears edges. */
const differentMax = 0.22
const cell = { width: 16, height: 24 }

/** Rows of 0 and 1. */
type Bitmap = readonly (readonly number[])[]

export interface BurnedClock {
  /** Wall time in ms of the frame on screen; `undefined` if there is none or it is unreadable. */
  read(page: Page): Promise<number | undefined>
}

/** @param height of the camera's picture in pixels; the size of its text follows from it */
export async function createBurnedClock(height: number): Promise<BurnedClock> {
  const size = Math.round(height / 14)
  const templates = await drawTemplates(size)
  return {
    async read(page) {
      const rows = (await page.evaluate(regionScript(size))) as string[] | null
      return rows === null ? undefined : timeIn(bitmapOf(rows), templates)
    },
  }
}

async function drawTemplates(size: number): Promise<Map<string, readonly number[]>> {
  const width = size * signs.length
  const text = signs.replace(':', String.raw`\:`)
  const draw = `drawtext=text='${text}':x=${size}:y=${size}:fontsize=${size}:fontcolor=white`
  const source = ['-f', 'lavfi', '-i', `color=black:size=${width}x${size * 3}`]
  const { stdout } = await promisify(execFile)(
    'ffmpeg',
    ['-v', 'error', ...source, '-vf', draw, '-frames:v', '1', '-f', 'rawvideo', '-pix_fmt', 'gray', '-'],
    { encoding: 'buffer', maxBuffer: 16e6 },
  )
  const rows = Array.from({ length: size * 3 }, (_, y) =>
    Array.from({ length: width }, (__, x) => ((stdout[y * width + x] ?? 0) > whiteMin ? 1 : 0)),
  )
  const found = glyphsOf(rows)
  if (found.length !== signs.length) throw new Error(`ffmpeg drew ${found.length} signs instead of ${signs.length}.`)
  return new Map(found.map((glyph, index) => [signs[index] ?? '', glyph]))
}

function timeIn(bitmap: Bitmap, templates: ReadonlyMap<string, readonly number[]>): number | undefined {
  const text = glyphsOf(bitmap)
    .map((glyph) => signOf(glyph, templates))
    .join('')
  // To a hundredth: the last digit may touch the `Z` behind it.
  const parts = /^(\d{4}-\d\d-\d\d)(\d\d:\d\d:\d\d\.\d\d)/.exec(text)
  return parts === null ? undefined : Date.parse(`${parts[1]}T${parts[2]}0Z`)
}

/** The nearest sign; `?` if none is near. */
function signOf(glyph: readonly number[], templates: ReadonlyMap<string, readonly number[]>): string {
  let best = { sign: '?', different: differentMax }
  for (const [sign, template] of templates) {
    const off = template.reduce((sum, value, index) => sum + Math.abs(value - (glyph[index] ?? 0)), 0)
    const different = off / template.length
    if (different < best.different) best = { sign, different }
  }
  return best.sign
}

const bitmapOf = (rows: readonly string[]): Bitmap => rows.map((row) => [...row].map(Number))

/**
 * One cell per sign: columns without white part them. All keep the height of the line, so that a dash stays in its
 * middle and a point at its foot.
 */
function glyphsOf(bitmap: Bitmap): number[][] {
  const lines = bitmap.map((row) => row.some((value) => value === 1))
  const [top, bottom] = [lines.indexOf(true), lines.lastIndexOf(true) + 1]
  if (top === -1) return []
  const glyphs: number[][] = []
  const width = bitmap[0]?.length ?? 0
  let start: number | undefined
  for (let x = 0; x <= width; x += 1) {
    const white = bitmap.some((row) => row[x] === 1)
    if (white && start === undefined) start = x
    if (!white && start !== undefined) {
      glyphs.push(scaled(bitmap, { left: start, right: x, top, bottom }))
      start = undefined
    }
  }
  return glyphs
}

interface Box {
  readonly left: number
  readonly right: number
  readonly top: number
  readonly bottom: number
}

/** To the cell's size; narrow signs keep their narrowness, else a point would look like a dash. */
function scaled(bitmap: Bitmap, { left, right, top, bottom }: Box): number[] {
  const step = Math.max((bottom - top) / cell.height, (right - left) / cell.width)
  return Array.from({ length: cell.width * cell.height }, (_, index) => {
    const x = left + Math.floor(((index % cell.width) + 0.5) * step)
    const y = top + Math.floor((Math.floor(index / cell.width) + 0.5) * step)
    return x < right && y < bottom ? (bitmap[y]?.[x] ?? 0) : 0
  })
}

/** Runs in the page, as text: the line of the clock inside its box, a row of 0 and 1 per pixel row. */
const regionScript = (size: number): string => `(() => {
  const video = document.getElementById('video')
  if (video.videoWidth === 0) return null
  const canvas = document.createElement('canvas')
  const [width, height] = [${Math.floor(size * 14.6)}, ${Math.floor(size * 1.1)}]
  Object.assign(canvas, { width, height })
  const context = canvas.getContext('2d')
  context.drawImage(video, ${Math.floor(size * 0.8)}, ${Math.floor(size * 0.85)}, width, height, 0, 0, width, height)
  const { data } = context.getImageData(0, 0, width, height)
  return Array.from({ length: height }, (_, y) =>
    Array.from({ length: width }, (_, x) => {
      const at = (y * width + x) * 4
      return Math.min(data[at], data[at + 1], data[at + 2]) > ${whiteMin} ? '1' : '0'
    }).join(''))
})()`

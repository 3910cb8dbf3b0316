import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { systemClock } from '../../src/adapters/system-clock.ts'
import { openViewServer, type ViewServer } from '../../src/adapters/view-server.ts'
import { createCatalogueReader } from '../../src/reader/catalogue.ts'
import { clockBits, makeClip } from '../support/clip.ts'
import { type Grower, startGrower } from '../support/grower.ts'
import { camera, noteGap, place } from '../support/make-recording.ts'
import { memoryArchive } from '../support/memory-archive.ts'
import { type OpenPage, openPage, type PageState, pageState, readPicture, waitForState } from './support.ts'

/** At one-second units: one to close a unit, three behind the edge, and one for a slow machine. */
const behindMsMax = 5_000

describe('the page, in a real Chromium', () => {
  const archive = memoryArchive()
  const shots = mkdtempSync(join(tmpdir(), 'watchpost-page-'))
  let server: ViewServer
  let grower: Grower
  let open: OpenPage
  let port = 0

  async function serve(): Promise<ViewServer> {
    const world = {
      archive,
      catalogues: createCatalogueReader(archive),
      place,
      timeZone: 'Europe/Berlin',
      clock: systemClock,
    }
    const opened = await openViewServer(world, { port, host: '127.0.0.1' })
    if (!opened.ok) throw new Error(opened.error.message)
    port = Number(new URL(opened.value.address).port)
    return opened.value
  }
  const shoot = (name: string) => open.page.screenshot({ path: join(shots, `${name}.png`) })

  const close = (state: PageState): boolean =>
    (state.behindMs ?? Number.POSITIVE_INFINITY) <= behindMsMax && state.stillForMs < 500 && state.message === ''
  let startWallMs = 0

  beforeAll(async () => {
    // Encoding 100 s of video takes some of them: the clip's first frame lies far enough ahead.
    startWallMs = Math.ceil(Date.now() / 1000) * 1000 + 14_000
    const clip = await makeClip({ seconds: 100, startMonoMs: 5_000_000, burnWallMs: startWallMs, size: '640x360' })
    console.log(`screenshots are in ${shots}`)
    server = await serve()
    open = await openPage(`${server.address}?camera=${camera}`)
    grower = startGrower(archive, clip, startWallMs)
  })
  afterAll(async () => {
    grower?.stop()
    await open?.close()
    await server?.close()
  })

  test('waits for the first footage, joins it live and stays close behind', async () => {
    const empty = await waitForState(open.page, (state) => state.message.includes('stored'), 5_000)
    expect(empty.key).toBeNull()
    const joined = await waitForState(open.page, close, 30_000)
    expect(joined).toMatchObject({ key: grower.keys[0], live: true, following: true, problem: null })
    const first = await readPicture(open.page, clockBits)
    await open.page.waitForTimeout(3_000)
    const later = await readPicture(open.page, clockBits)
    const state = await pageState(open.page)
    expect(state.currentTime).toBeGreaterThan(joined.currentTime + 2)
    expect(later.sum).not.toBe(first.sum)
    expect((state.playingDateMs ?? 0) - (joined.playingDateMs ?? 0)).toBeGreaterThan(2_000)
    expectClockToAgree(later)
    await shoot('live')
  })

  test('fetches only what the playlist grew by', async () => {
    const before = await pageState(open.page)
    await open.page.waitForTimeout(3_000)
    const after = await pageState(open.page)
    const loads = after.playlistLoads - before.playlistLoads
    expect(loads).toBeGreaterThan(1)
    // An entry is less than 200 bytes, and one byte overlaps.
    expect(after.playlistBytes - before.playlistBytes).toBeLessThan(loads * 201)
  })

  test('goes on to the next recording', async () => {
    grower.rollOver()
    await waitForState(open.page, (state) => grower.keys[1] !== undefined && state.key === grower.keys[1], 20_000)
    const state = await waitForState(open.page, close, 15_000)
    expect(state.errors).toBe(0)
    expectClockToAgree(await readPicture(open.page, clockBits))
    await shoot('rolled-over')
  })

  test('plays across a hole in the recording', async () => {
    const before = await pageState(open.page)
    grower.skip(3)
    await waitForState(open.page, (state) => (state.playingDateMs ?? 0) > (before.playingDateMs ?? 0) + 9_000, 20_000)
    const state = await waitForState(open.page, close, 15_000)
    expect(state).toMatchObject({ key: grower.keys[1], errors: 0 })
    expectClockToAgree(await readPicture(open.page, clockBits))
  })

  test('leaves a recording that stopped without an end when there is a newer one', async () => {
    grower.abandon()
    await waitForState(open.page, (state) => grower.keys[2] !== undefined && state.key === grower.keys[2], 25_000)
    await waitForState(open.page, close, 15_000)
  })

  test('lives through a cut, says what is going on meanwhile, and never reloads', async () => {
    const before = await pageState(open.page)
    grower.hold()
    archive.down = true
    const silent = await waitForState(open.page, (state) => state.message !== '', 15_000)
    expect(silent.message).toMatch(/No new footage for \d+ s: .*does not answer/)
    await server.close()
    await waitForState(open.page, (state) => state.message.includes('server'), 15_000)
    await shoot('cut')
    await open.page.waitForTimeout(4_000)
    server = await serve()
    archive.down = false
    grower.letGo()
    await waitForState(open.page, close, 25_000)
    await open.page.waitForTimeout(3_000)
    const state = await waitForState(open.page, close, 5_000)
    expect(state.playingDateMs).toBeGreaterThan((before.playingDateMs ?? 0) + 10_000)
    expectClockToAgree(await readPicture(open.page, clockBits))
    await shoot('back')
    expect(state.recordings).toBe(3)
    expect(open.loads()).toBe(1)
    expect(open.complaints).toEqual([])
  })

  test('shows what was recorded, on a phone too', async () => {
    noteGap(archive, startWallMs - 60_000, startWallMs, 'power')
    await open.page.setViewportSize({ width: 390, height: 844 })
    await open.page.focus('#past li:last-child button')
    await open.page.keyboard.press('Enter')
    const chosen = await waitForState(
      open.page,
      (state) => state.key === grower.keys[0] && state.currentTime > 1,
      10_000,
    )
    expect(chosen.live).toBe(false)
    expect(chosen.playingDateMs).toBeLessThan(startWallMs + 8_000)
    await shoot('phone')
    await open.page.click('#live')
    await waitForState(open.page, (state) => state.key === grower.keys[2] && close(state), 15_000)
    await shoot('phone-live')
  })
})

/** The clock burned into the picture against the date the player gives the picture. */
function expectClockToAgree(picture: { readonly clock: number; readonly dateMs: number | null }): void {
  const seconds = Math.floor((picture.dateMs ?? 0) / 1000) % 2 ** clockBits
  // A frame of the second before may still be on screen.
  expect([seconds, seconds - 1, seconds + 1]).toContain(picture.clock)
}

/** Real GPIO lines with real interrupts, watched by the real `onoff` on the real architecture. */
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type EventRecord, parseEventLine } from '../../src/format/event-record.ts'
import type { InputStatus } from '../../src/format/status.ts'
import { bootDevice, type VirtualDevice } from './virtual-device.ts'

const chip = '9030000.pl061'
const guest = readFileSync(new URL('guest/input.mjs', import.meta.url), 'utf8')

/** Each part waits for a line on the serial port, so that the host decides when it ends. */
const job = `
cat /sys/class/gpio/gpiochip*/label /sys/class/gpio/gpiochip*/base /sys/class/gpio/gpiochip*/ngpio | tr '\\n' ' '; echo CHIPS
start() { node /out/input.mjs "$@" & pid=$!; read word </dev/ttyS0; }
start ${chip} 2 100; kill -9 $pid; wait $pid; echo KILLED
start ${chip} 2 100; kill $pid; wait $pid; ls /sys/class/gpio | tr '\\n' ' '; echo GIVEN-BACK
start pinctrl-rp1 2 100; kill -9 $pid
start ${chip} 8 100; kill -9 $pid
start ${chip} 2 100 65534; kill -9 $pid
echo ALL-DONE
`

let device: VirtualDevice
let wire: Awaited<ReturnType<VirtualDevice['serial']>>
beforeAll(async () => {
  device = await bootDevice({ job, files: { 'input.mjs': guest } })
  wire = await device.serial()
  await device.waitFor(/CHIPS/)
})
afterAll(() => device.end())

const next = (): void => {
  wire.write('\n')
}
const statusAfter = async (from: number): Promise<InputStatus> =>
  JSON.parse((await device.waitFor(/STATUS (\{.*\})\n/, { from }))[1] ?? '') as InputStatus
const eventAfter = async (from: number, kind: string): Promise<EventRecord> => {
  const [, line = ''] = await device.waitFor(new RegExp(`EVENT (\\{"v":1,"kind":"${kind}".*\\})\\n`), { from })
  const event = parseEventLine(line)
  if (event === undefined) throw new Error(`not an event: ${line}`)
  return event
}
const eventsSince = (from: number): number =>
  device
    .console()
    .slice(from)
    .match(/EVENT /g)?.length ?? 0

let from = 0

test('a wire that goes high and low is one event of two lines, joined by their id', async () => {
  expect(await statusAfter(from)).toEqual({ name: 'pir', active: false, problem: null, events: 0 })
  from = device.console().length
  await device.setLine(2, 1)
  const start = await eventAfter(from, 'start')
  expect(start).toMatchObject({ input: 'pir', cameras: ['gate'], seen: true, time: null, bootCounter: 1 })
  await device.setLine(2, 0)
  const end = await eventAfter(from, 'end')
  expect(end).toMatchObject({ id: start.id, cause: 'level' })
  expect(end.kind === 'end' && end.durationMs).toBe(Math.round((end.monoMs - start.monoMs) * 1000) / 1000)
})

test('a bouncing contact is one event', async () => {
  from = device.console().length
  for (let i = 0; i < 21; i += 1) await device.setLine(2, i % 2 === 0 ? 1 : 0)
  await eventAfter(from, 'start')
  for (let i = 0; i < 21; i += 1) await device.setLine(2, i % 2 === 0 ? 0 : 1)
  await eventAfter(from, 'end')
  expect(eventsSince(from)).toBe(2)
})

test('a line that a killed recorder left exported is taken over, active as it is', async () => {
  await device.setLine(2, 1)
  await eventAfter(device.console().lastIndexOf('EVENT'), 'start')
  from = device.console().length
  next()
  await device.waitFor(/KILLED/, { from })
  expect(await eventAfter(from, 'start')).toMatchObject({ seen: false })
})

test('an orderly stop ends the event and gives the line back', async () => {
  from = device.console().length
  next()
  expect(await eventAfter(from, 'end')).toMatchObject({ cause: 'stopped' })
  const [, left] = await device.waitFor(/STOPPED\n(.*)GIVEN-BACK/, { from })
  expect(left).toContain('gpiochip512')
  expect(left).not.toMatch(/gpio\d/)
})

test('a chip that is not there, a line that is not there, and missing rights are sentences', async () => {
  const problems: string[] = []
  for (let i = 0; i < 3; i += 1) {
    const status = await statusAfter(from)
    problems.push(status.problem ?? '')
    from = device.console().length
    next()
  }
  expect(problems).toEqual([
    expect.stringContaining(`those there are: ${chip}`),
    expect.stringContaining('its lines are 0 to 7'),
    expect.stringContaining('/sys/class/gpio/export may not be written by this user. Add the user to the group gpio'),
  ])
  await device.waitFor(/ALL-DONE/)
})

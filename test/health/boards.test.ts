import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import * as z from 'zod'

const folder = fileURLToPath(new URL('../../hw/boards', import.meta.url))

/** A board: what a person must know to connect it, and what settings name. */
const board = z.strictObject({
  v: z.literal(1),
  name: z.string().min(1),
  compatible: z.string().regex(/^[a-z]+,[a-z0-9-]+$/),
  gpio: z.strictObject({
    chip: z.string().regex(/^[\x21-\x7e]{1,63}$/),
    lines: z.int().min(1).max(512),
    /** Header pin → line of the chip. */
    header: z.record(z.string().regex(/^([1-9]|[1-3]\d|40)$/), z.int().min(0)),
  }),
  console: z.strictObject({
    port: z.string().regex(/^\/dev\/tty\w+$/),
    pins: z.strictObject({ tx: z.int(), rx: z.int(), ground: z.int() }).nullable(),
    boot: z.array(z.string().regex(/^\w+=\S+$/)),
  }),
  led: z.string().startsWith('/sys/class/leds/').nullable(),
  watchdog: z.strictObject({ device: z.string().startsWith('/dev/watchdog'), timeoutSMax: z.int().min(1) }),
  supplyAlarm: z.boolean(),
})

/** Power and ground of the 40-pin header: no line is behind them. Source: Raspberry Pi, "GPIO and the 40-pin header". */
const noLine = new Set([1, 2, 4, 6, 9, 14, 17, 20, 25, 30, 34, 39])

describe.each(readdirSync(folder))('%s', (file) => {
  const parsed = board.safeParse(JSON.parse(readFileSync(`${folder}/${file}`, 'utf8')))

  test('is a board', () => {
    expect(parsed.error?.issues ?? []).toEqual([])
  })

  test('has each line of its header once, on the chip, and none on a pin of power or ground', () => {
    const { gpio, console: port } = parsed.success ? parsed.data : board.parse({})
    const lines = Object.values(gpio.header)
    expect(new Set(lines).size).toBe(lines.length)
    for (const line of lines) expect(line).toBeLessThan(gpio.lines)
    for (const pin of Object.keys(gpio.header)) expect(noLine.has(Number(pin))).toBe(false)
    expect([0, 28]).toContain(lines.length)
    if (port.pins !== null) {
      expect([gpio.header[port.pins.tx], gpio.header[port.pins.rx]]).toEqual([14, 15])
      expect(noLine.has(port.pins.ground)).toBe(true)
    }
  })

  test('is in the table of hw/README.md, with its chip', () => {
    const row = readFileSync(`${folder}/../README.md`, 'utf8')
      .split('\n')
      .find((line) => line.includes(`(boards/${file})`))
    const { gpio, console: port, watchdog } = parsed.success ? parsed.data : board.parse({})
    expect(row).toContain(`\`${gpio.chip}\`, ${gpio.lines} lines | \`${port.port}\``)
    expect(row).toContain(`${watchdog.timeoutSMax} s |`)
  })
})

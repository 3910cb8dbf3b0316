import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { createOnoffLines, lineNumber } from '../../src/adapters/onoff-input.ts'
import type { LineError, LinePlace } from '../../src/capture/input-line.ts'
import { lineProblem } from '../../src/capture/input-words.ts'
import { createGpioTree, type FakeChip, type GpioTree } from '../support/gpio-tree.ts'
import { createHandClock } from '../support/hand-clock.ts'

const deaf = { onEdge: () => {}, onLost: () => {} }
let trees: GpioTree[] = []
const treeOf = (...chips: FakeChip[]): GpioTree => {
  const tree = createGpioTree(chips)
  trees.push(tree)
  return tree
}
afterEach(() => {
  for (const tree of trees) tree.end()
  trees = []
})

async function errorOf(
  tree: GpioTree,
  place: LinePlace,
  loadDriver = () => tree.driver,
): Promise<LineError | undefined> {
  const opened = await createOnoffLines({ clock: createHandClock(), root: tree.root, loadDriver }).open(place, deaf)
  return opened.ok ? undefined : opened.error
}

describe("the kernel's number of a line", () => {
  const header: FakeChip = { label: 'pinctrl-bcm2835', base: 512, ngpio: 54 }
  const expander: FakeChip = { label: 'raspberrypi-exp-gpio', base: 566, ngpio: 8 }

  test('is the base of the chip with the label, plus the line, whichever chip comes first', () => {
    const tree = treeOf(header, expander)
    expect(lineNumber(tree.root, { chip: 'pinctrl-bcm2835', line: 17 })).toEqual({ ok: true, value: 529 })
    expect(lineNumber(tree.root, { chip: 'raspberrypi-exp-gpio', line: 2 })).toEqual({ ok: true, value: 568 })
    const older = treeOf({ ...expander, base: 504 }, { ...header, base: 0 })
    expect(lineNumber(older.root, { chip: 'pinctrl-bcm2835', line: 17 })).toEqual({ ok: true, value: 17 })
  })

  test('is what onoff is asked for', async () => {
    const tree = treeOf(header, expander)
    expect(await errorOf(tree, { chip: 'pinctrl-bcm2835', line: 53 })).toBeUndefined()
    expect(tree.exported).toEqual([565])
  })

  test('does not exist for a label or a line that is not there', () => {
    const tree = treeOf(header, expander)
    expect(lineNumber(tree.root, { chip: 'pinctrl-rp1', line: 17 })).toEqual({
      ok: false,
      error: { kind: 'no-chip', chips: ['pinctrl-bcm2835', 'raspberrypi-exp-gpio'] },
    })
    expect(lineNumber(tree.root, { chip: 'pinctrl-bcm2835', line: 54 })).toMatchObject({
      error: { kind: 'no-line', lines: 54 },
    })
    expect(lineNumber(join(tree.root, 'nowhere'), { chip: 'x', line: 0 })).toMatchObject({ error: { kind: 'no-gpio' } })
    const twins = treeOf({ ...expander, base: 520 }, expander)
    expect(lineNumber(twins.root, { chip: 'raspberrypi-exp-gpio', line: 0 })).toMatchObject({
      error: { kind: 'two-chips' },
    })
  })
})

describe('a line that cannot be opened', () => {
  const chip: FakeChip = { label: 'pinctrl-rp1', base: 569, ngpio: 54 }
  const place = { chip: 'pinctrl-rp1', line: 4 }

  test.each([
    ['EBUSY', 'used by another program'],
    ['EACCES', 'group gpio'],
    ['EINVAL', 'does not give line 4 away'],
    ['EIO', 'EIO'],
  ])('by %s has a sentence', async (code, words) => {
    const tree = treeOf(chip)
    tree.refused.set(573, code)
    const error = await errorOf(tree, place)
    expect(error).toBeDefined()
    expect(error && lineProblem('pir', place, error)).toContain(words)
  })

  test('is not tried without onoff, which is optional', async () => {
    const tree = treeOf(chip)
    const error = await errorOf(tree, place, () => {
      throw Object.assign(new Error("Cannot find module 'onoff'\nRequire stack:\n- x"), { code: 'MODULE_NOT_FOUND' })
    })
    expect(error).toEqual({ kind: 'no-driver', reason: 'MODULE_NOT_FOUND' })
  })

  test('onoff is not even loaded when the chip is not there', async () => {
    const tree = treeOf(chip)
    const load = () => {
      throw new Error('loaded')
    }
    expect(await errorOf(tree, { chip: 'other', line: 1 }, load)).toMatchObject({ kind: 'no-chip' })
  })

  test('another user who holds the line in his way is named busy, and left alone', async () => {
    const tree = treeOf(chip)
    class Output extends tree.driver.Gpio {
      override direction(): string {
        return 'out'
      }
    }
    expect(await errorOf(tree, place, () => ({ Gpio: Output }))).toEqual({ kind: 'busy' })
  })

  test('by rights is found before onoff tries 10,000 times', async () => {
    const tree = treeOf(chip)
    chmodSync(tree.root, 0o755)
    chmodSync(join(tree.root, 'export'), 0o444)
    expect(await asNobody(() => errorOf(tree, place))).toEqual({ kind: 'denied', path: join(tree.root, 'export') })
    mkdirSync(join(tree.root, 'gpio573'))
    writeFileSync(join(tree.root, 'gpio573/value'), '0', { mode: 0o444 })
    const path = join(tree.root, 'gpio573/value')
    expect(await asNobody(() => errorOf(tree, place))).toEqual({ kind: 'denied', path })
    expect(lineProblem('pir', place, { kind: 'denied', path })).toContain('group gpio')
  })
})

/** Root may write everything: lay that down for a moment. */
async function asNobody<T>(act: () => Promise<T>): Promise<T> {
  const root = process.geteuid?.() === 0
  if (root) process.seteuid?.(65_534)
  try {
    return await act()
  } finally {
    if (root) process.seteuid?.(0)
  }
}

test('the real package loads, or says why not', async () => {
  const tree = treeOf({ label: 'far-away', base: 900_000, ngpio: 4 })
  const opened = await createOnoffLines({ clock: createHandClock(), root: tree.root }).open(
    { chip: 'far-away', line: 0 },
    deaf,
  )
  // This machine has no such line: either onoff is missing, or it was loaded and failed at the kernel.
  expect(opened.ok).toBe(false)
  if (!opened.ok) expect(['no-driver', 'failed', 'denied', 'busy']).toContain(opened.error.kind)
})

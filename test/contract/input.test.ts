import { createOnoffLines } from '../../src/adapters/onoff-input.ts'
import { createFakeLines } from '../support/fake-lines.ts'
import { createGpioTree } from '../support/gpio-tree.ts'
import { createHandClock } from '../support/hand-clock.ts'
import { inputLinesContract } from './input-contract.ts'

const place = { chip: 'pinctrl-bcm2711', line: 17 }

inputLinesContract('the fake of our tests', () => {
  const fake = createFakeLines(createHandClock())
  return {
    lines: fake.lines,
    place,
    set: fake.set,
    breakLine: () => fake.lose('ENODEV'),
    mendLine: () => {},
    end: () => {},
  }
})

inputLinesContract('onoff over a tree of files', () => {
  const tree = createGpioTree([{ label: 'pinctrl-bcm2711', base: 512, ngpio: 58 }])
  return {
    lines: createOnoffLines({ clock: createHandClock(), root: tree.root, loadDriver: () => tree.driver }),
    place,
    set: (level) => tree.set(529, level),
    breakLine: () => tree.breakLine(529),
    mendLine: () => tree.mendLine(529),
    end: tree.end,
  }
})

/** Program that measures one group of figures in a process of its own, so that no group pays for another's garbage. */
import { growHeapCalmly } from '../../src/adapters/heap-growth.ts'
import { benchAppend } from './append.ts'
import type { Bench } from './bench.ts'
import { benchCapture } from './capture.ts'
import { benchCrc64 } from './crc64.ts'
import { benchGrowth } from './growth.ts'
import { benchLink } from './link.ts'
import { benchOpening } from './opening.ts'
import { benchPath } from './path.ts'
import { benchSplitter } from './splitter.ts'
import { benchWritten } from './written.ts'

const everything: readonly Bench[] = [
  ...[benchSplitter, benchCrc64, benchAppend, benchWritten, benchCapture, benchLink],
  ...[benchOpening, benchPath, benchGrowth],
]
const bench = everything.find(({ name }) => name === process.argv[2])
if (bench === undefined) throw new Error(`no benchmark is called ${process.argv[2]}`)

growHeapCalmly() // as the recorder does
const open = await bench.open()
const leave = (): void => void open.close().finally(() => process.exit(0))
process.once('disconnect', leave)
process.on('message', (order: 'round' | 'results') => {
  if (order === 'results') process.send?.(open.results())
  else open.round().then(() => process.send?.('done'), fail)
})
process.send?.('ready')

function fail(error: unknown): void {
  process.stderr.write(`${bench?.name}: ${error instanceof Error ? error.message : String(error)}\n`)
  open.close().finally(() => process.exit(1))
}

/** Program that opens the buffer in DIRECTORY once and says how long that took, in ms: a recorder starts with cold code. */
import { systemClock } from '../../src/adapters/system-clock.ts'
import { openBenchBuffer } from './buffer-stage.ts'

const [directory = ''] = process.argv.slice(2)
const since = systemClock.mono()
const buffer = await openBenchBuffer(directory)
const ms = systemClock.mono() - since
const { bytes } = buffer.status()
await buffer.close()
process.stdout.write(JSON.stringify({ ms, bytes }))

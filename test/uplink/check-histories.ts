/** Random histories (`histories.ts`) under one seed, printed when one fails; `SEED` replays it. */
import fc from 'fast-check'
import { type History, live } from './histories.ts'

const fraction = fc.integer({ min: 0, max: 999 }).map((thousandths) => thousandths / 1000)
const fault = fc.oneof(
  { weight: 6, arbitrary: fc.constant(undefined) },
  { weight: 1, arbitrary: fc.constantFrom('lost', 'reply lost', 'busy', 'impostor', 'clock-skewed', 'denied') },
)
const history: fc.Arbitrary<History> = fc.record({
  fillings: fc.array(fc.integer({ min: 0, max: 40 }), { minLength: 1, maxLength: 12 }),
  stored: fraction,
  known: fraction,
  from: fraction,
  to: fraction,
  killed: fc.boolean(),
  late: fc.integer({ min: 0, max: 5 }),
  lateAt: fc.integer({ min: 0, max: 8 }),
  meddling: fc.oneof(
    { weight: 4, arbitrary: fc.constant('none' as const) },
    {
      weight: 3,
      arbitrary: fc.constantFrom('noise', 'noise like ours', 'deleted', 'replaced'),
    },
    { weight: 1, arbitrary: fc.constantFrom('other bytes', 'one other byte', 'shorter') },
  ),
  meddlesAt: fc.integer({ min: 0, max: 8 }),
  faults: fc.array(fault, { maxLength: 30 }),
  bodyBytesMax: fc.integer({ min: 1, max: 200 }),
})

export interface Seen {
  readonly settledByReading: number
  readonly settledByArithmetic: number
  readonly gaveUp: number
}

export async function checkHistories(count: number): Promise<Seen> {
  const seed = process.env.SEED === undefined ? undefined : Number(process.env.SEED)
  let [settledByReading, settledByArithmetic, gaveUp] = [0, 0, 0]
  await fc.assert(
    fc.asyncProperty(history, async (one) => {
      const { meddling } = one
      // Bytes that change in place between a question and an append cannot be seen in time; the next answer shows them.
      const inPlace = meddling === 'other bytes' || meddling === 'one other byte' || meddling === 'shorter'
      const { end, wasInDoubt, readBack } = await live(inPlace ? { ...one, meddlesAt: 0 } : one)
      if (end === 'gave up') gaveUp += 1
      else if (readBack) settledByReading += 1
      else if (wasInDoubt) settledByArithmetic += 1
    }),
    { numRuns: count, ...(seed === undefined ? {} : { seed }) },
  )
  return { settledByReading, settledByArithmetic, gaveUp }
}

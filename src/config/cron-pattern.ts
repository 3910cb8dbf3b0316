/**
 * Is this a schedule that the scheduler will take, and never refuse at run time?
 *
 * Five fields (minute, hour, day of month, month, day of week), or six with seconds in front. We accept the common core
 * of all crons: `*`, numbers, ranges, lists, steps, and the English names of months and days. What a scheduler may know
 * beyond it (`L`, `W`, `#`, `@daily`) is refused, so that a file stays valid if the scheduler is exchanged.
 */

interface CronField {
  readonly least: number
  readonly most: number
  readonly names?: readonly string[]
}

const months = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']
const days = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat']

const fields: readonly CronField[] = [
  { least: 0, most: 59 },
  { least: 0, most: 59 },
  { least: 0, most: 23 },
  { least: 1, most: 31 },
  { least: 1, most: 12, names: months },
  { least: 0, most: 7, names: days },
]

export function isCronPattern(pattern: string): boolean {
  const parts = pattern.trim().split(/ +/)
  if (parts.length !== 5 && parts.length !== 6) return false
  const wanted = fields.slice(fields.length - parts.length)
  if (!wanted.every((field, at) => (parts[at] ?? '').split(',').every((item) => isItem(item, field)))) return false
  return hasSuchDay(parts.at(-3) ?? '', parts.at(-2) ?? '')
}

/** Longest length of each month. */
const daysOf = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]

/** `0 0 31 4 *` is never: the scheduler would refuse it when the recorder starts. */
function hasSuchDay(dayPart: string, monthPart: string): boolean {
  const leastDay = Math.min(...dayPart.split(',').map((item) => (item.startsWith('*') ? 1 : Number.parseInt(item, 10))))
  return monthsOf(monthPart).some((month) => leastDay <= (daysOf[month - 1] ?? 0))
}

function monthsOf(part: string): number[] {
  const field: CronField = { least: 1, most: 12, names: months }
  return part.split(',').flatMap((item) => {
    const [range = '', step = '1'] = item.split('/')
    const [first = '', last] = range === '*' ? ['1', '12'] : range.split('-')
    const from = numberOf(first, field) ?? 1
    const to = numberOf(last ?? first, field) ?? 12
    return Array.from({ length: to - from + 1 }, (_, at) => from + at).filter((m) => (m - from) % Number(step) === 0)
  })
}

function isItem(item: string, field: CronField): boolean {
  const match = /^(?:\*|([a-z]+|\d{1,2})(?:-([a-z]+|\d{1,2}))?)(?:\/(\d{1,2}))?$/i.exec(item)
  if (match === null) return false
  const [, first, last, step] = match
  if (step !== undefined && (Number(step) < 1 || Number(step) > field.most)) return false
  if (first === undefined) return true
  // `5/10` means different things to different crons; `5-59/10` means one.
  if (step !== undefined && last === undefined) return false
  const from = numberOf(first, field)
  const to = last === undefined ? from : numberOf(last, field)
  return from !== undefined && to !== undefined && from <= to
}

function numberOf(word: string, field: CronField): number | undefined {
  if (/^\d+$/.test(word)) {
    const number = Number(word)
    return number >= field.least && number <= field.most ? number : undefined
  }
  const at = field.names?.indexOf(word.toLowerCase()) ?? -1
  return at === -1 ? undefined : at + field.least
}

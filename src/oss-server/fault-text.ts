/** Faults as JSON, for those who order them over HTTP: read with care, since a misspelt fault would test nothing. */
import type { Fault } from './faults.ts'
import { operations } from './operation.ts'

type Field = 'number' | 'string' | 'boolean'
/** Measures of each kind; a leading `?` may be left out. */
const measures: Readonly<Record<Fault['kind'], Readonly<Record<string, Field>>>> = {
  refuse: {},
  'drop-before-commit': {},
  'commit-then-drop': {},
  'commit-after-gone': {},
  'wrong-crc': {},
  'wrong-next-position': {},
  'delete-before': {},
  'token-expired': {},
  'no-such-bucket': {},
  'commit-late': { delayMs: 'number' },
  'slow-reply': { delayMs: 'number' },
  'half-open': { ms: 'number' },
  'slow-drain': { bytesPerS: 'number' },
  error: { status: 'number', '?code': 'string', '?qosDelayMs': 'number' },
  html: { status: 'number' },
  'foreign-append': { '?bytes': 'number' },
  'replace-before': { '?bytes': 'number' },
  skewed: { offsetMs: 'number', '?date1970': 'boolean' },
}
const condition: Readonly<Record<string, Field>> = {
  '?on': 'string',
  '?key': 'string',
  '?keyPattern': 'string',
  '?skip': 'number',
  '?count': 'number',
  '?probability': 'number',
  '?seed': 'number',
}

/** Returns the fault, or a sentence that says what is wrong with the text. `keyPattern` is `key` as a pattern. */
export function readFault(value: unknown): Fault | string {
  if (typeof value !== 'object' || value === null) return 'A fault is a JSON object.'
  const given: { kind?: unknown; on?: unknown; [name: string]: unknown } = { ...value }
  const kind = String(given.kind)
  const wanted = Object.hasOwn(measures, kind) ? measures[kind as Fault['kind']] : undefined
  if (wanted === undefined) return `There is no fault "${kind}". Known: ${Object.keys(measures).join(', ')}.`
  const fields = { ...wanted, ...condition }
  const names = new Set(Object.keys(fields).map((name) => name.replace('?', '')))
  const unknown = Object.keys(given).filter((name) => name !== 'kind' && !names.has(name))
  if (unknown.length > 0) return `The fault "${kind}" has no ${unknown.join(', ')}. Known: ${[...names].join(', ')}.`
  for (const [name, type] of Object.entries(fields)) {
    const found = given[name.replace('?', '')]
    if (found === undefined && name.startsWith('?')) continue
    if (typeof found !== type) return `The fault "${kind}" needs ${name.replace('?', '')} as a ${type}.`
    if (type === 'number' && !Number.isFinite(found)) return `${name.replace('?', '')} must be a finite number.`
  }
  const on = given.on
  if (on !== undefined && on !== 'any' && !operations.some((known) => known === on)) {
    return `There is no operation "${String(on)}". Known: any, ${operations.join(', ')}.`
  }
  const { keyPattern, ...rest } = given
  if (keyPattern === undefined) return rest as unknown as Fault
  try {
    return { ...rest, key: new RegExp(String(keyPattern)) } as unknown as Fault
  } catch {
    return `keyPattern "${String(keyPattern)}" is not a regular expression.`
  }
}

export const showFault = (fault: Fault): object =>
  fault.key instanceof RegExp ? { ...fault, key: undefined, keyPattern: fault.key.source } : fault

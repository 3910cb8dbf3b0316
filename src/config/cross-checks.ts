/**
 * Rules between settings, which no single field can know. They look at the raw data, so that they are told together
 * with everything else that is wrong, and leave alone what is not of the right type: that is told by the schema.
 */
import { normalize } from 'node:path'
import { type PathPart, valueAt } from './field-path.ts'
import type { RawProblem } from './problems.ts'
import { bufferDirectory } from './settings.ts'

const credentialWays = 'accessKeyId with accessKeySecret, file, or environment: true'

export function crossChecks(data: unknown): RawProblem[] {
  if (typeof data !== 'object' || Array.isArray(data)) return []
  return [
    ...doubles(data, 'cameras', 'camera'),
    ...doubles(data, 'inputs', 'input'),
    ...camerasOfInputs(data),
    ...doubleLines(data),
    ...credentials(data),
    ...addressing(data),
    ...mounting(data),
  ]
}

const listAt = (data: unknown, name: string): readonly unknown[] => {
  const list = valueAt(data, [name])
  return Array.isArray(list) ? list : []
}

function doubles(data: unknown, list: string, noun: string): RawProblem[] {
  const first = new Map<unknown, number>()
  return listAt(data, list).flatMap((entry, at) => {
    const name = valueAt(entry, ['name'])
    if (typeof name !== 'string') return []
    const earlier = first.get(name)
    if (earlier === undefined) {
      first.set(name, at)
      return []
    }
    return [{ parts: [list, at, 'name'], says: `is the name of ${list}[${earlier}] too; every ${noun} needs its own` }]
  })
}

function camerasOfInputs(data: unknown): RawProblem[] {
  const known = new Set(listAt(data, 'cameras').map((camera) => valueAt(camera, ['name'])))
  return listAt(data, 'inputs').flatMap((input, at) => {
    const wanted = valueAt(input, ['cameras'])
    if (!Array.isArray(wanted)) return []
    const strangers = wanted.filter((name) => typeof name === 'string' && !known.has(name))
    if (strangers.length === 0) return []
    const says = `names ${strangers.length === 1 ? 'a camera' : `${strangers.length} cameras`} that this file does not have`
    return [{ parts: ['inputs', at, 'cameras'], says }]
  })
}

function doubleLines(data: unknown): RawProblem[] {
  const first = new Map<string, number>()
  return listAt(data, 'inputs').flatMap((input, at) => {
    const chip = valueAt(input, ['chip'])
    const line = valueAt(input, ['line'])
    if (typeof chip !== 'string' || typeof line !== 'number') return []
    const earlier = first.get(`${chip} ${line}`)
    first.set(`${chip} ${line}`, earlier ?? at)
    if (earlier === undefined) return []
    return [{ parts: ['inputs', at, 'line'], says: `is used by inputs[${earlier}] already; a line can be opened once` }]
  })
}

function credentials(data: unknown): RawProblem[] {
  const parts: readonly PathPart[] = ['store', 'credentials']
  const given = valueAt(data, parts) ?? {}
  if (typeof given !== 'object' || Array.isArray(given)) return []
  const has = (name: string): boolean => valueAt(given, [name]) !== undefined
  const ways = [
    has('accessKeyId') || has('accessKeySecret') || has('securityToken'),
    has('file'),
    valueAt(given, ['environment']) === true,
  ].filter(Boolean).length
  if (ways === 0) {
    if (Object.keys(given).some((name) => name !== 'environment')) return []
    return [{ parts, says: `says nothing; it must hold ${credentialWays}` }]
  }
  if (ways > 1) return [{ parts, says: `says more than one thing; it must hold one of ${credentialWays}` }]
  const missing = ['accessKeyId', 'accessKeySecret'].filter((name) => !has(name))
  if (has('file') || missing.length === 0 || valueAt(given, ['environment']) === true) return []
  return missing.map((name) => ({
    parts: [...parts, name],
    says: 'is missing; an access key has two halves, and this file one',
  }))
}

function addressing(data: unknown): RawProblem[] {
  const cname = valueAt(data, ['store', 'cname']) === true
  const pathStyle = valueAt(data, ['store', 'pathStyle']) === true
  const endpoint = valueAt(data, ['store', 'endpoint'])
  if (cname && pathStyle) {
    return [{ parts: ['store', 'pathStyle'], says: 'is true, and so is store.cname; a store is addressed in one way' }]
  }
  if (!cname || endpoint !== undefined) return []
  return [
    {
      parts: ['store', 'endpoint'],
      says: 'is missing; with store.cname it must be the domain that is bound to the bucket',
    },
  ]
}

/** The disk that is looked for must be the one that is written to. */
function mounting(data: unknown): RawProblem[] {
  const mountPoint = valueAt(data, ['buffer', 'mountPoint'])
  const directory = valueAt(data, ['buffer', 'directory']) ?? bufferDirectory
  if (typeof mountPoint !== 'string' || typeof directory !== 'string') return []
  if (!mountPoint.startsWith('/') || !directory.startsWith('/')) return []
  const [inner, outer] = [partsOf(directory), partsOf(mountPoint)]
  if (outer.every((part, at) => part === inner[at])) return []
  return [
    {
      parts: ['buffer', 'mountPoint'],
      says: `is no folder at or above buffer.directory (${directory}), which it guards`,
    },
  ]
}

/** `.` and `..` stand for what they mean. */
const partsOf = (path: string): string[] =>
  normalize(path)
    .split('/')
    .filter((part) => part !== '')

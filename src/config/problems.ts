/**
 * What is wrong with a settings file, as sentences for people: which setting, in which line, what was found, what is
 * accepted. zod finds the places; the words come from the field table. No secret is in any of them, and the value of an
 * unknown setting is never shown: it may be a mistyped `password`.
 */
import type * as z from 'zod'
import { cameraKinds, laterCameraKinds } from './camera-settings.ts'
import { pathText, tablePath, valueAt } from './field-path.ts'
import { fieldAt, fields, type Node, settingsTree } from './field-table.ts'
import { foundText } from './found.ts'
import { nearest } from './nearest.ts'

export interface SettingsProblem {
  /** `cameras[0].url`; '' for the file as a whole. */
  readonly path: string
  /** Where it stands, from 1; `undefined` for what is missing. */
  readonly line: number | undefined
  /** A complete sentence that names the path and the line. Holds no secret. */
  readonly message: string
}

/** Before the line is known. */
export interface RawProblem {
  readonly parts: readonly PropertyKey[]
  /** Continues "<path> …", without the full stop. */
  readonly says: string
}

export function problemsOfIssues(issues: readonly z.core.$ZodIssue[], data: unknown): RawProblem[] {
  const problems = issues.flatMap((issue) => {
    if (issue.code !== 'unrecognized_keys') return [problemAt(leafOf(issue.path), data)]
    return issue.keys.map((key) => unknownSetting(issue.path, key, data))
  })
  const first = new Map(
    problems.map((problem) => [pathText(problem.parts), problem]).reverse() as [string, RawProblem][],
  )
  return [...first.values()].reverse()
}

export function withLine(problem: RawProblem, line: number | undefined): SettingsProblem {
  const path = pathText(problem.parts)
  const subject = path === '' ? 'The file' : path
  const sentence = `${subject}${line === undefined ? '' : ` (line ${line})`} ${problem.says}`
  return { path, line, message: sentence.endsWith('?') ? sentence : `${sentence}.` }
}

/** An issue inside a list or map of one setting is a problem of that setting. */
function leafOf(parts: readonly PropertyKey[]): readonly PropertyKey[] {
  for (let length = 1; length < parts.length; length += 1) {
    const head = parts.slice(0, length)
    if (fieldAt(tablePath(head)) !== undefined) return head
  }
  return parts
}

function problemAt(parts: readonly PropertyKey[], data: unknown): RawProblem {
  const value = valueAt(data, parts)
  const path = tablePath(parts)
  const field = fieldAt(path)
  if (field === undefined) return { parts, says: groupProblem(path, value) }
  if (value === undefined) return { parts, says: `is missing; it must be ${field.accepted}` }
  if (path === 'cameras[].kind' && laterCameraKinds.includes(String(value))) {
    return { parts, says: `is "${value}", which is not in this version; it must be one of ${cameraKinds.join(', ')}` }
  }
  const quotes = field.type === 'text' && typeof value !== 'string' && typeof value !== 'object'
  const hint = quotes && !field.secret ? ' (text that looks like something else needs quotes)' : ''
  return { parts, says: `is ${foundText(value, field.secret)}; it must be ${field.accepted}${hint}` }
}

function groupProblem(path: string, value: unknown): string {
  const node = nodeAt(path)
  const isList = node?.is === 'list' && node.path === path
  const inside = node?.is === 'group' ? ` (${[...node.members.keys()].join(', ')})` : ''
  const wanted = isList ? 'a list' : `a group of settings${inside}`
  if (value === undefined) return `is missing; it must be ${wanted}`
  if (isList && Array.isArray(value))
    return `has ${value.length} entries; ${path === 'cameras' ? '1 to 16' : 'up to 32'} are possible`
  return `is ${foundText(value, false)}; it must be ${wanted}`
}

function unknownSetting(parts: readonly PropertyKey[], key: string, data: unknown): RawProblem {
  const own = [...parts, key]
  const known = namesAt(parts, data)
  const other = fieldAt(tablePath(own))
  if (other?.kinds !== undefined) {
    const kind = String(valueAt(data, [...parts, 'kind']))
    return { parts: own, says: `is not a setting of a camera of kind ${kind}, but of ${other.kinds.join(' and ')}` }
  }
  const near = nearest(key, known) ?? elsewhere(key)
  const guess = near === undefined ? `known here are ${known.join(', ')}` : `did you mean ${near}?`
  return { parts: own, says: `is not a setting; ${guess}` }
}

/** Where a setting of this name stands, if it was written at the wrong level. */
const elsewhere = (key: string): string | undefined =>
  fields.find((field) => field.path.endsWith(`.${key}`) || field.path === key)?.path

function namesAt(parts: readonly PropertyKey[], data: unknown): string[] {
  const node = nodeAt(tablePath(parts))
  if (node?.is === 'group') return [...node.members.keys()]
  if (node?.is !== 'list') return []
  const kind = valueAt(data, [...parts, 'kind'])
  const groups = node.items.filter((group) => {
    const word = group.members.get('kind')
    return node.items.length === 1 || (word?.is === 'field' && word.note.example === kind)
  })
  return groups.flatMap((group) => [...group.members.keys()])
}

/** The group or list with this table path; a list also stands for its entries (`cameras[]`). */
function nodeAt(path: string, from: Node = settingsTree): Node | undefined {
  if (from.path === path) return from
  if (from.is === 'list')
    return path === `${from.path}[]` ? (from.items.length === 1 ? from.items[0] : from) : undefined
  if (from.is !== 'group') return undefined
  for (const member of from.members.values()) {
    const found = nodeAt(path, member)
    if (found !== undefined) return found
  }
  return undefined
}

/**
 * Changes to a settings file as a person at the console makes them: text in, text out, comments and order kept. Nothing
 * here touches a disk, and no sentence shows a secret.
 */
import { parse as parseYaml } from 'yaml'
import { err, ok, type Result } from '../base/result.ts'
import { type PathPart, parsePath, tablePath, valueAt } from './field-path.ts'
import { type Field, fieldAt, fields } from './field-table.ts'
import { foundText, maskedText } from './found.ts'
import { nearest } from './nearest.ts'
import { checkSettings } from './parse-settings.ts'
import { readSettingsText, type SettingsText, yamlOptions } from './settings-text.ts'
import { withValueAt } from './splice.ts'

/** One setting as it may be shown. */
export interface ShownSetting {
  readonly path: string
  /** Secrets masked. */
  readonly text: string
  readonly origin: 'file' | 'default'
}

/** @returns the new text, or a sentence that says what is wrong with this one setting */
export function setSetting(text: string, typedPath: string, typed: string): Result<string, string> {
  const found = settingAt(typedPath)
  if (!found.ok) return found
  const read = readSettingsText(text)
  if (!read.ok) return err(read.error.map((problem) => problem.message).join(' '))
  const value = typedValue(found.value.field, typed)
  if (!value.ok) return err(`${typedPath} ${value.error}`)
  const gap = hole(read.value.data, found.value.parts)
  if (gap !== undefined) return err(gap)
  const next = withValueAt(text, found.value.parts, value.value)
  const problem = problemOf(next, typedPath)
  return problem === undefined ? ok(next) : err(problem)
}

/** Takes a setting out, so that its default holds, or an entry of a list, such as `cameras[1]`. */
export function unsetSetting(text: string, typedPath: string): Result<string, string> {
  const parts = parsePath(typedPath)
  const read = readSettingsText(text)
  if (!read.ok) return err(read.error.map((problem) => problem.message).join(' '))
  if (parts === undefined || !read.value.document.hasIn(parts)) {
    return err(`${typedPath} is not in the file; there is nothing to take out.`)
  }
  read.value.document.deleteIn(parts)
  return ok(read.value.document.toString({ lineWidth: 0 }))
}

/** Every setting at or below `typedPath` ('' for all) with the value in force. */
export function shownSettings(text: string, typedPath: string): Result<ShownSetting[], string> {
  const read = readSettingsText(text)
  if (!read.ok) return err(read.error.map((problem) => problem.message).join(' '))
  const all = flat(read.value.data)
  const below = all.filter(({ path }) => typedPath === '' || path === typedPath || isBelow(path, typedPath))
  if (below.length > 0) return ok(below)
  return err(
    unknownPath(
      typedPath,
      all.map((setting) => setting.path),
    ),
  )
}

/** What a commit would change, one line each; secrets masked. */
export function settingsDiff(before: string, after: string): string[] {
  const [old, fresh] = [before, after].map((text) => readSettingsText(text))
  if (old === undefined || fresh === undefined || !old.ok || !fresh.ok) return ['(not readable as settings)']
  const was = new Map(flat(old.value.data).map((setting) => [setting.path, setting.text]))
  const is = new Map(flat(fresh.value.data).map((setting) => [setting.path, setting.text]))
  return [...new Set([...was.keys(), ...is.keys()])].flatMap((path) => {
    const [past, now] = [was.get(path), is.get(path)]
    if (past === now) return secretChanged(old.value, fresh.value, path) ? [`~ ${path} = ${now} (changed)`] : []
    return [
      ...(past === undefined ? [] : [`- ${path} = ${past}`]),
      ...(now === undefined ? [] : [`+ ${path} = ${now}`]),
    ]
  })
}

function fieldOf(typedPath: string): Field | undefined {
  const parts = parsePath(typedPath)
  return parts === undefined ? undefined : fieldAt(tablePath(parts))
}

function settingAt(typedPath: string): Result<{ parts: PathPart[]; field: Field }, string> {
  const parts = parsePath(typedPath)
  const field = fieldOf(typedPath)
  if (parts !== undefined && field !== undefined) return ok({ parts, field })
  return err(
    unknownPath(
      typedPath,
      fields.map((known) => known.path),
    ),
  )
}

function unknownPath(typedPath: string, known: readonly string[]): string {
  const short = typedPath.slice(0, 60)
  const near = nearest(short, known) ?? known.find((path) => path.endsWith(`.${short}`))
  return `${short} is not a setting; ${near === undefined ? 'show lists them all.' : `did you mean ${near}?`}`
}

/** What was typed, as the field's type has it. Text stays text, whatever YAML would make of it. */
function typedValue(field: Field, typed: string): Result<unknown, string> {
  const plain = typed.replace(/^(['"])(.*)\1$/s, '$2')
  switch (field.type) {
    case 'text':
    case 'choice':
      return ok(plain)
    case 'number':
      return ok(/^-?\d+(?:\.\d+)?$/.test(plain) ? Number(plain) : plain)
    case 'size':
      return ok(/^\d+$/.test(plain) ? Number(plain) : plain)
    case 'yes or no':
      return ok(plain === 'true' ? true : plain === 'false' ? false : plain)
    case 'list':
    case 'names and values':
      try {
        return ok(parseYaml(typed, yamlOptions))
      } catch {
        return err(`must be ${field.accepted}, written as [a, b] or {a: b}.`)
      }
  }
}

/** A list grows at its end. @returns a sentence if the place would leave a hole */
function hole(data: unknown, parts: readonly PathPart[]): string | undefined {
  const at = parts.findIndex((part) => typeof part === 'number')
  if (at === -1) return undefined
  const list = valueAt(data, parts.slice(0, at))
  const length = Array.isArray(list) ? list.length : 0
  if (Number(parts[at]) <= length) return undefined
  return `${parts[0]} has ${length} ${length === 1 ? 'entry' : 'entries'}; the next is ${parts[0]}[${length}].`
}

/** The problem that the file now has with this very setting; others wait for the commit. */
function problemOf(text: string, path: string): string | undefined {
  const read = readSettingsText(text)
  if (!read.ok) return read.error[0]?.message
  const checked = checkSettings(read.value)
  const own = checked.ok ? undefined : checked.error.find((problem) => problem.path === path)
  // The line in the candidate means nothing to somebody who typed one setting.
  return own?.message.replace(/ \(line \d+\)/, '')
}

function flat(data: unknown): ShownSetting[] {
  return fields.flatMap((field) =>
    placesOf(field.path.split('.'), data, []).flatMap((parts) => shown(field, parts, data)),
  )
}

/** The places in the data for which a field stands: one, or one per entry of its list. */
function placesOf(names: readonly string[], data: unknown, before: readonly PathPart[]): PathPart[][] {
  const [first, ...rest] = names
  if (first === undefined) return [[...before]]
  const name = first.replace(/\[\]$/, '')
  if (!first.endsWith('[]')) return placesOf(rest, data, [...before, name])
  const list = valueAt(data, [...before, name])
  if (!Array.isArray(list)) return []
  return list.flatMap((_entry, at) => placesOf(rest, data, [...before, name, at]))
}

function shown(field: Field, parts: readonly PathPart[], data: unknown): ShownSetting[] {
  const kind = valueAt(data, [...parts.slice(0, -1), 'kind'])
  if (field.kinds !== undefined && !field.kinds.includes(String(kind))) return []
  const path = parts.reduce<string>(
    (text, part) => (typeof part === 'number' ? `${text}[${part}]` : join(text, part)),
    '',
  )
  const value = valueAt(data, parts)
  if (value === undefined)
    return field.defaultText === undefined ? [] : [{ path, text: field.defaultText, origin: 'default' }]
  return [{ path, text: field.secret ? maskedText(String(value).length) : valueText(value), origin: 'file' }]
}

const join = (text: string, part: string): string => (text === '' ? part : `${text}.${part}`)

/** Values in force are shown whole, except where a slip may have put a secret into the wrong field. */
function valueText(value: unknown): string {
  if (typeof value === 'object') return JSON.stringify(value)
  const text = String(value)
  if (text === '') return "''"
  return /@|passw|secret|token/i.test(text) ? foundText(value, false) : text
}

const isBelow = (path: string, typed: string): boolean => path.startsWith(`${typed}.`) || path.startsWith(`${typed}[`)

function secretChanged(old: SettingsText, fresh: SettingsText, path: string): boolean {
  const parts = parsePath(path) ?? []
  return fieldOf(path)?.secret === true && valueAt(old.data, parts) !== valueAt(fresh.data, parts)
}

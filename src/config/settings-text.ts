/**
 * The text of a settings file, read as data with the line of each setting. Problems of YAML are told in our own words:
 * the library's quote the line, and the line may hold a password.
 */
import { type Document, isMap, isNode, isScalar, LineCounter, parseDocument, visit, type YAMLError } from 'yaml'
import { err, ok, type Result } from '../base/result.ts'
import type { SettingsProblem } from './problems.ts'

/** 16 cameras and 32 inputs with comments are under 32 KiB. A longer file is refused. */
export const settingsBytesMax = 256 * 1024

export interface SettingsText {
  /** Plain data; settings that are there without a value are left out. */
  readonly data: unknown
  /** The line, from 1, in which a setting stands. */
  lineOf(parts: readonly PropertyKey[]): number | undefined
  readonly document: Document
}

/**
 * The library's own words and warnings quote the file, and may quote a password. Names are texts: a group or a list as a
 * name is an error here, not a warning on the terminal.
 */
export const yamlOptions = { prettyErrors: false, logLevel: 'error', stringKeys: true } as const

const words: Readonly<Record<string, string>> = {
  DUPLICATE_KEY: 'names a setting that stands further up in the same group already; keep one of them',
  TAB_AS_INDENT: 'is indented with a tab; YAML wants spaces',
  BAD_INDENT: 'is indented otherwise than the lines around it; settings of one group begin in one column',
  BAD_SCALAR_START: 'has a value that begins with a character of YAML itself, such as @ or `; put the value in quotes',
  MISSING_CHAR:
    'lacks a character: a quote or bracket that is opened must be closed, and a colon must follow each name',
  BAD_DQ_ESCAPE: 'has a backslash in double quotes; use single quotes, where it means itself',
  BAD_ALIAS: 'has a value that begins with * or &, which YAML takes for itself; put the value in quotes',
  TAG_RESOLVE_FAILED: 'has a value that begins with !, which YAML takes for itself; put the value in quotes',
  BLOCK_AS_IMPLICIT_KEY: 'has two colons where one is possible; put a value that holds ": " in quotes',
  MULTILINE_IMPLICIT_KEY: 'lacks the colon after the name of a setting, or the space after the colon',
  NON_STRING_KEY: 'has a group or a list where the name of a setting belongs',
  MULTIPLE_DOCS: 'begins a second document; one file holds one',
}

export function readSettingsText(text: string): Result<SettingsText, SettingsProblem[]> {
  const bytes = Buffer.byteLength(text)
  if (bytes > settingsBytesMax) {
    const message = `The file has ${bytes} bytes; settings are at most ${settingsBytesMax}.`
    return err([{ path: '', line: undefined, message }])
  }
  const lines = new LineCounter()
  const document = parseDocument(text, { ...yamlOptions, lineCounter: lines })
  const flaws = [...document.errors, ...document.warnings]
  if (flaws.length > 0) return err(flaws.map((flaw) => syntaxProblem(flaw, lines)))
  let data: unknown
  try {
    data = withoutEmpty(document.toJS({ maxAliasCount: 100 }))
  } catch {
    // The library throws for an alias without its anchor and for alias bombs.
    return err([aliasProblem(document, lines)])
  }
  return ok({ data: data ?? {}, lineOf: (parts) => lineOf(document, lines, parts), document })
}

function syntaxProblem(flaw: YAMLError, lines: LineCounter): SettingsProblem {
  const { line, col } = lines.linePos(flaw.pos[0])
  const says = words[flaw.code] ?? 'is not valid YAML; look for a missing colon, quote or space'
  return { path: '', line, message: `Line ${line}, at column ${col}, ${says}.` }
}

function aliasProblem(document: Document, lines: LineCounter): SettingsProblem {
  let start = 0
  visit(document, {
    Alias(_key, alias) {
      start = alias.range?.[0] ?? 0
      return visit.BREAK
    },
  })
  const { line, col } = lines.linePos(start)
  return { path: '', line, message: `Line ${line}, at column ${col}, ${words.BAD_ALIAS}.` }
}

function lineOf(document: Document, lines: LineCounter, parts: readonly PropertyKey[]): number | undefined {
  const path = parts.map((part) => (typeof part === 'symbol' ? String(part) : part))
  if (path.length === 0) return undefined
  // A group begins where its name stands, not at its first member.
  const holder = path.length === 1 ? document.contents : document.getIn(path.slice(0, -1), true)
  const last = path.at(-1)
  const key = isMap(holder)
    ? holder.items.find((pair) => isScalar(pair.key) && String(pair.key.value) === last)?.key
    : undefined
  const node = key ?? document.getIn(path, true)
  const start = isNode(node) ? node.range?.[0] : undefined
  return start === undefined ? undefined : lines.linePos(start).line
}

/** `password:` with nothing behind it is the same as no `password:` at all. */
function withoutEmpty(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutEmpty)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).filter(([, member]) => member !== null)
  return Object.fromEntries(entries.map(([name, member]) => [name, withoutEmpty(member)]))
}

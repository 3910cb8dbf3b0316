/**
 * A value put into YAML text without touching the rest: a person's comments, order and indents stay as they are.
 *
 * The text is cut at the ranges that the parser reports, and the result is proven: it is kept only if it parses to the
 * data that was wanted. Where it does not (flow groups, rare styles), the library writes the whole document again, which
 * keeps comments and order but may move spaces.
 */
import {
  type Document,
  isCollection,
  isMap,
  isNode,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
  stringify,
} from 'yaml'
import type { PathPart } from './field-path.ts'
import { yamlOptions } from './settings-text.ts'

export function withValueAt(text: string, parts: readonly PathPart[], value: unknown): string {
  const document = parseDocument(text, yamlOptions)
  const wanted = parseDocument(text, yamlOptions)
  setDeep(wanted, parts, value)
  const rewritten = wanted.toString({ lineWidth: 0 })
  const spliced = splice(text, document, parts, value)
  return spliced !== undefined && sameData(spliced, rewritten) ? spliced : rewritten
}

function splice(text: string, document: Document, parts: readonly PathPart[], value: unknown): string | undefined {
  let holder: Node | null | undefined = document.contents
  for (let depth = 0; depth <= parts.length; depth += 1) {
    const rest = parts.slice(depth)
    const [next] = rest
    if (!isCollection(holder) || next === undefined) return replaced(text, holder, parts.slice(0, depth), rest, value)
    const child: unknown = holder.get(next, true)
    if (child === undefined) return inserted(text, holder, rest, value)
    holder = isNode(child) ? child : undefined
  }
  return undefined
}

/** The text of a node that is there (a value, or nothing behind a colon) gives way to the new one. */
function replaced(
  text: string,
  node: Node | null | undefined,
  parts: readonly PathPart[],
  rest: readonly PathPart[],
  value: unknown,
): string | undefined {
  if (!isNode(node) || node.range === undefined || node.range === null) return undefined
  const [start, end] = [node.range[0], node.range[1]]
  if (rest.length === 0) {
    const gap = /[:-]$/.test(text.slice(0, start)) ? ' ' : ''
    return text.slice(0, start) + gap + inlineText(value) + text.slice(start + text.slice(start, end).trimEnd().length)
  }
  if (!isScalar(node) || node.value !== null) return undefined
  const depth = parts.filter((part) => typeof part === 'string').length
  const head = text.slice(0, start).trimEnd()
  return `${head}\n${blockText(rest, value, '  '.repeat(depth))}${text.slice(head.length)}`
}

/** A new name in a group, or a new entry of a list, goes behind the last one. */
function inserted(text: string, holder: Node, rest: readonly PathPart[], value: unknown): string | undefined {
  if (!isCollection(holder) || holder.flow === true) return undefined
  const last: unknown = holder.items.at(-1)
  const first: unknown = holder.items[0]
  const lastNode = isPair(last) ? (last.value ?? last.key) : last
  const firstNode = isPair(first) ? first.key : first
  if (!isNode(lastNode) || !lastNode.range || !isNode(firstNode) || !firstNode.range) return undefined
  const lines = new LineCounter()
  parseDocument(text, { ...yamlOptions, lineCounter: lines })
  const column = lines.linePos(firstNode.range[0]).col - 1
  // The column of an entry of a list is behind its dash.
  const indent = ' '.repeat(isSeq(holder) ? Math.max(0, column - 2) : column)
  const end = text.slice(0, lastNode.range[1]).trimEnd().length
  const lineEnd = text.indexOf('\n', end)
  const at = lineEnd === -1 ? text.length : lineEnd
  return `${text.slice(0, at)}\n${blockText(rest, value, indent)}${text.slice(at)}`
}

/** `rest` as nested lines: [1, 'name'] and gate → `- name: gate`. */
function blockText(rest: readonly PathPart[], value: unknown, indent: string): string {
  const [part, ...further] = rest
  if (part === undefined) return inlineText(value)
  if (typeof part === 'number') return `${indent}- ${blockText(further, value, `${indent}  `).trimStart()}`
  if (further.length === 0) return `${indent}${part}: ${inlineText(value)}`
  return `${indent}${part}:\n${blockText(further, value, `${indent}  `)}`
}

/** JSON is YAML; plain words are left plain. */
const inlineText = (value: unknown): string =>
  typeof value === 'object' ? JSON.stringify(value) : stringify(value, { lineWidth: 0 }).trimEnd()

function setDeep(document: Document, parts: readonly PathPart[], value: unknown): void {
  for (let length = 1; length < parts.length; length += 1) {
    const head = parts.slice(0, length)
    const holder = document.getIn(head, true)
    const fits = typeof parts[length] === 'number' ? isSeq(holder) : isMap(holder)
    if (!fits) document.setIn(head, document.createNode(typeof parts[length] === 'number' ? [] : {}))
  }
  document.setIn(parts, document.createNode(value))
}

function sameData(first: string, second: string): boolean {
  const [a, b] = [first, second].map((text) => parseDocument(text, yamlOptions))
  if (a === undefined || b === undefined || a.errors.length > 0) return false
  return JSON.stringify(sorted(a.toJS())) === JSON.stringify(sorted(b.toJS()))
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, member]) => [name, sorted(member)]),
  )
}

/**
 * The file that `watchpost init` writes: every setting with its sentence, in the order of the schema. Settings with a
 * default stand there with it; those without are commented out, with `#` directly before the word. What a person must
 * fill in is empty, and `watchpost check` names it.
 */
import { assert } from '../base/assert.ts'
import type { FieldNote } from './field.ts'
import { type Node, settingsTree } from './field-table.ts'

export interface ExampleValues {
  /** Written as it is, if it is a name that the settings accept. */
  readonly device: string
}

const columnsMax = 100
/** Values that belong to somebody: an example in their place would be somebody else's. */
const toFillIn = new Set(['store.bucket', 'store.region'])

const head = [
  '# Settings of Watchpost. After a change: watchpost check',
  '# Text with special characters needs quotes. Sizes: 10GB, 512MiB. A line like "#name: value" is left out.',
]
const groupComments: Readonly<Record<string, string>> = {
  'store.credentials': 'One of: accessKeyId with accessKeySecret; file; environment.',
  cameras: 'Cameras, one entry each. The first is a test picture; further kinds are commented out below it.',
  inputs: 'Switches and sensors on GPIO lines.',
}

type Group = Extract<Node, { is: 'group' }>

export function exampleSettings(values: ExampleValues): string {
  assert(settingsTree.is === 'group', 'the whole file is a group')
  return `${[...head, ...groupLines(settingsTree, '', values)].join('\n')}\n`
}

function groupLines(group: Group, indent: string, values: ExampleValues): string[] {
  return [...group.members].flatMap(([name, member]) => {
    const gap = indent === '' ? [''] : []
    if (member.is === 'field')
      return [...gap, ...fieldLines(name, member.note, indent, givenValue(member.path, values))]
    const note = groupComments[member.path]
    const title = note === undefined ? [] : comment(note, indent)
    if (member.is === 'list') return [...gap, ...title, ...listLines(name, member.items)]
    return [...gap, ...title, `${indent}${name}:`, ...groupLines(member, `${indent}  `, values)]
  })
}

function givenValue(path: string, values: ExampleValues): string | undefined {
  if (path === 'device') return values.device
  return toFillIn.has(path) ? '' : undefined
}

function fieldLines(name: string, note: FieldNote, indent: string, value: string | undefined): string[] {
  const told = comment(`${note.help} ${sentence(note)}`, indent)
  const text = value ?? note.defaultText
  if (text !== undefined) return [...told, `${indent}${name}: ${text}`.trimEnd()]
  return [...told, `${indent}${note.required ? '' : '#'}${name}: ${note.example ?? ''}`.trimEnd()]
}

function sentence({ accepted, defaultText, required, example }: FieldNote): string {
  const words = accepted.endsWith('.') ? accepted.slice(0, -1) : accepted
  const such = required && example !== undefined && !accepted.includes('such as') ? `, such as ${example}` : ''
  return `It is ${words}${such}${required || defaultText !== undefined ? '' : '; optional'}.`
}

/** The first kind is live, the others are commented out, whole; so is a list that may be empty. */
function listLines(name: string, items: readonly Group[]): string[] {
  if (items.length === 1) return [`${name}:`, ...items.flatMap((item) => entryLines(item, undefined))].map(commentedOut)
  const [first] = items
  const blocks = items.map((item) =>
    item === first ? entryLines(item, undefined) : entryLines(item, first).map(commentedOut),
  )
  return [`${name}:`, ...blocks.flatMap((block, at) => (at === 0 ? block : ['', ...block]))]
}

const commentedOut = (line: string): string => `#${line}`

/** @param told the group whose sentences the reader has seen already */
function entryLines(group: Group, told: Group | undefined): string[] {
  const kind = kindOf(group)
  return [...group.members].flatMap(([name, member], position) => {
    if (member.is !== 'field') return []
    const value = name === 'name' && kind !== undefined ? `${kind}-1` : undefined
    const lines = fieldLines(name, member.note, '    ', value)
    const line = lines.at(-1) ?? ''
    const comments = told?.members.has(name) === true ? [] : lines.slice(0, -1)
    return [...comments, position === 0 ? line.replace('    ', '  - ') : line]
  })
}

function kindOf(item: Group): string | undefined {
  const kind = item.members.get('kind')
  return kind?.is === 'field' && item.path === 'cameras[]' ? kind.note.example : undefined
}

function comment(text: string, indent: string): string[] {
  const lines: string[] = []
  let line = `${indent}#`
  for (const word of text.split(' ')) {
    if (line.length + word.length + 1 > columnsMax) {
      lines.push(line)
      line = `${indent}#`
    }
    line += ` ${word}`
  }
  return [...lines, line]
}

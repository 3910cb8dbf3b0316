/** The settings as a table, made by walking the schema. A camera's settings appear once, whatever kinds share them. */
import * as z from 'zod'
import { assert } from '../base/assert.ts'
import { type FieldNote, notes } from './field.ts'
import { settingsSchema } from './settings.ts'

export interface Field extends FieldNote {
  /** `store.bucket`, `cameras[].url`. */
  readonly path: string
  /** Kinds of camera that have it; `undefined` for settings that are not of a camera, or of every kind. */
  readonly kinds: readonly string[] | undefined
}

type Shape = Readonly<Record<string, z.core.$ZodType>>

/** A group or list of settings, or one setting. */
export type Node =
  | { readonly is: 'group'; readonly path: string; readonly members: ReadonlyMap<string, Node> }
  /** `items`: one group, or one per kind. */
  | { readonly is: 'list'; readonly path: string; readonly items: readonly Extract<Node, { is: 'group' }>[] }
  | { readonly is: 'field'; readonly path: string; readonly note: FieldNote }

export const settingsTree: Node = nodeOf(settingsSchema, '')

/** In the order of the file. */
export const fields: readonly Field[] = merged([...fieldsOf(settingsTree, undefined)])

const byPath = new Map(fields.map((field) => [field.path, field]))
export const fieldAt = (path: string): Field | undefined => byPath.get(path)

function nodeOf(schema: z.core.$ZodType, path: string): Node {
  const note = notes.get(schema as z.ZodType)
  if (note !== undefined) return { is: 'field', path, note }
  if (schema instanceof z.ZodReadonly || schema instanceof z.ZodPrefault || schema instanceof z.ZodDefault) {
    return nodeOf(schema.def.innerType, path)
  }
  if (schema instanceof z.ZodObject) {
    const members = Object.entries(schema.shape as Shape).map(
      ([name, member]) => [name, nodeOf(member, path === '' ? name : `${path}.${name}`)] as const,
    )
    return { is: 'group', path, members: new Map(members) }
  }
  assert(schema instanceof z.ZodArray, `every setting is made by field.ts; ${path} is not`)
  const element: z.core.$ZodType = schema.element
  const options = element instanceof z.ZodDiscriminatedUnion ? element.options : [element]
  const items = options.map((option) => nodeOf(option, `${path}[]`))
  return { is: 'list', path, items: items.filter((one) => one.is === 'group') }
}

function* fieldsOf(node: Node, kind: string | undefined): Generator<Field> {
  if (node.is === 'field') yield { ...node.note, path: node.path, kinds: kind === undefined ? undefined : [kind] }
  else if (node.is === 'group') for (const member of node.members.values()) yield* fieldsOf(member, kind)
  else for (const group of node.items) yield* fieldsOf(group, node.items.length > 1 ? kindOf(group) : undefined)
}

/** The kind that a group of a list is for, from its example. */
function kindOf(group: Extract<Node, { is: 'group' }>): string | undefined {
  const kind = group.members.get('kind')
  return kind?.is === 'field' ? kind.note.example : undefined
}

function merged(all: readonly Field[]): Field[] {
  const kindsInAll = new Set(all.flatMap((field) => field.kinds ?? [])).size
  const paths = [...new Set(all.map((field) => field.path))]
  return paths.map((path) => {
    const same = all.filter((field) => field.path === path)
    const [first] = same
    assert(first !== undefined, 'a path comes from a field')
    const kinds = same.flatMap((field) => field.kinds ?? [])
    return { ...first, kinds: kinds.length === 0 || kinds.length === kindsInAll ? undefined : kinds }
  })
}

/**
 * One setting: what it may be, and everything a person can ask about it.
 *
 * Each maker below returns a zod schema and notes the same facts beside it in `notes`, from the same arguments. Whoever
 * needs them (problems, `watchpost init`, console help, the README's table) walks the schema with `field-table.ts`, so
 * that a range stands in the source once.
 */
import * as z from 'zod'
import { Secret } from '../base/secret.ts'
import { parseSize, sizeText } from './size.ts'

/** What a change does: `live` is felt within a second; `loop restart` restarts the loops that use it, nothing else. */
type Effect = 'live' | 'loop restart'

/** What people are told of every setting. */
interface Told {
  readonly effect: Effect
  /** One sentence: what it is for. */
  readonly help: string
  /** As it would stand in the file; shown by `watchpost init` where there is no default. */
  readonly example?: string
}

export interface FieldNote extends Told {
  readonly type: 'text' | 'number' | 'size' | 'yes or no' | 'choice' | 'list' | 'names and values'
  /** Completes "it must be …". */
  readonly accepted: string
  readonly unit: string | undefined
  readonly secret: boolean
  /** As it would stand in the file; `undefined` if the setting has none. */
  readonly defaultText: string | undefined
  readonly required: boolean
}

/** Every leaf of the schema is registered here. */
export const notes = z.registry<FieldNote>()

/** A setting may be left out: `optional`, or it has a `default`. Otherwise it must be there. */
type Presence<T> = { readonly default?: T; readonly optional?: boolean }

interface Facts {
  readonly type: FieldNote['type']
  readonly accepted: string
  readonly unit?: string
  readonly secret?: boolean
}

function noteOf(facts: Facts, told: Told, presence: Presence<unknown>, defaultText: string | undefined): FieldNote {
  return {
    type: facts.type,
    accepted: facts.accepted,
    unit: facts.unit,
    secret: facts.secret ?? false,
    defaultText,
    required: presence.optional !== true && defaultText === undefined,
    effect: told.effect,
    help: told.help,
    ...(told.example === undefined ? {} : { example: told.example }),
  }
}

/** Text that must fit `pattern` and, if given, `holds`. YAML numbers are not taken for text: `007` would become 7. */
export interface TextRule {
  readonly pattern: RegExp
  readonly accepted: string
  readonly holds?: (text: string) => boolean
  /** What the program sees of it, if not the text as written. */
  readonly read?: (text: string) => string
}

const textSchema = (rule: TextRule) =>
  z
    .string()
    .refine((text) => rule.pattern.test(text) && (rule.holds?.(text) ?? true))
    .transform((text) => rule.read?.(text) ?? text)
const textFacts = (rule: TextRule): Facts => ({ type: 'text', accepted: rule.accepted })

export const text = (rule: TextRule, told: Told) =>
  textSchema(rule).register(notes, noteOf(textFacts(rule), told, {}, undefined))

export const optionalText = (rule: TextRule, told: Told) =>
  textSchema(rule)
    .exactOptional()
    .register(notes, noteOf(textFacts(rule), told, { optional: true }, undefined))

export const textOr = (standard: string, rule: TextRule, told: Told) =>
  textSchema(rule)
    .default(standard)
    .register(notes, noteOf(textFacts(rule), told, {}, /^[\w/.+-]+$/.test(standard) ? standard : `'${standard}'`))

/** Never shown, never logged. Any characters but line breaks and NUL, which no password prompt of a camera can take. */
export function secretText(told: Told) {
  const facts: Facts = { type: 'text', accepted: 'text of 1 to 256 characters, in quotes', secret: true }
  return z
    .string()
    .regex(/^[^\r\n\0]{1,256}$/)
    .transform((plain) => new Secret(plain))
    .exactOptional()
    .register(notes, noteOf(facts, told, { optional: true }, undefined))
}

interface NumberRange {
  readonly least: number
  readonly most: number
  readonly unit: string
  readonly whole: boolean
}

const numberSchema = ({ least, most, whole }: NumberRange) => (whole ? z.int() : z.number()).min(least).max(most)
const numberFacts = ({ least, most, unit, whole }: NumberRange): Facts => ({
  type: 'number',
  accepted: `a ${whole ? 'whole number' : 'number'} from ${least} to ${most} (${unit})`,
  unit,
})

export const number = (range: NumberRange, told: Told) =>
  numberSchema(range).register(notes, noteOf(numberFacts(range), told, {}, undefined))

export const numberOr = (standard: number, range: NumberRange, told: Told) =>
  numberSchema(range)
    .default(standard)
    .register(notes, noteOf(numberFacts(range), told, {}, String(standard)))

export const optionalNumber = (range: NumberRange, told: Told) =>
  numberSchema(range)
    .exactOptional()
    .register(notes, noteOf(numberFacts(range), told, { optional: true }, undefined))

/** Bytes, written as `10GB`, `512MiB` or a plain number. */
export function sizeOr(standard: number, range: { readonly least: number; readonly most: number }, told: Told) {
  const accepted = `a size from ${sizeText(range.least)} to ${sizeText(range.most)}, such as 10GB, 512MiB or 1000000`
  return z
    .union([z.number(), z.string()])
    .transform((written, context) => {
      const bytes = parseSize(written)
      if (bytes !== undefined && bytes >= range.least && bytes <= range.most) return bytes
      context.addIssue({ code: 'custom', message: accepted })
      return z.NEVER
    })
    .default(standard)
    .register(notes, noteOf({ type: 'size', accepted, unit: 'bytes' }, told, {}, sizeText(standard)))
}

export const yesOrNo = (standard: boolean, told: Told) =>
  z
    .boolean()
    .default(standard)
    .register(notes, noteOf({ type: 'yes or no', accepted: 'true or false' }, told, {}, String(standard)))

const choiceFacts = (choices: readonly string[]): Facts => ({
  type: 'choice',
  accepted: `one of ${choices.join(', ')}`,
})

export const choice = <const C extends readonly string[]>(choices: C, told: Told) =>
  z.enum(choices).register(notes, noteOf(choiceFacts(choices), told, {}, undefined))

export const choiceOr = <const C extends readonly string[]>(standard: C[number], choices: C, told: Told) =>
  z
    .enum(choices)
    .default(() => standard as never)
    .register(notes, noteOf(choiceFacts(choices), told, {}, standard))

export const optionalChoice = <const C extends readonly string[]>(choices: C, told: Told) =>
  z
    .enum(choices)
    .exactOptional()
    .register(notes, noteOf(choiceFacts(choices), told, { optional: true }, undefined))

/** The word that says which kind of a group this is: one literal in the schema, the whole choice to people. */
export function kindWord<const W extends string>(word: W, kinds: readonly string[], told: Told) {
  const schema = z.literal(word)
  notes.add(schema as z.ZodType, noteOf(choiceFacts(kinds), told, {}, undefined))
  return schema
}

/** A program with its arguments, or one line for the shell. */
export function commandLine(told: Told) {
  const accepted = 'a program with its arguments as a list, or one line for the shell, of up to 4000 characters'
  const word = z.string().regex(/^[^\0]{1,4000}$/)
  return z
    .union([word, z.array(word).min(1).max(256).readonly()])
    .register(notes, noteOf({ type: 'list', accepted }, told, {}, undefined))
}

/** A list of texts, empty if left out. */
export const textList = (rule: TextRule, countMax: number, told: Told) =>
  z
    .array(textSchema(rule))
    .max(countMax)
    .readonly()
    .default([])
    .register(
      notes,
      noteOf({ type: 'list', accepted: `a list of up to ${countMax}, each ${rule.accepted}` }, told, {}, '[]'),
    )

/** Names with a text each, empty if left out. */
export const textMap = (rule: { name: TextRule; value: TextRule; countMax: number }, told: Told) =>
  z
    .record(textSchema(rule.name), textSchema(rule.value))
    .refine((map) => Object.keys(map).length <= rule.countMax)
    .readonly()
    .default({})
    .register(
      notes,
      noteOf(
        {
          type: 'names and values',
          accepted: `up to ${rule.countMax} names (${rule.name.accepted}) with a value each (${rule.value.accepted})`,
        },
        told,
        {},
        '{}',
      ),
    )

/** A group of settings. Left out, it is filled with defaults, so that what is missing in it is named one by one. */
export const group = <S extends z.core.$ZodShape>(shape: S) =>
  z
    .strictObject(shape)
    .readonly()
    .prefault({} as never)
/** A group in a list: not filled in. */
export const item = <S extends z.core.$ZodShape>(shape: S) => z.strictObject(shape).readonly()

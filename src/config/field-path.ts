/** How a setting is called: `store.bucket`, `cameras[0].url`; in tables `cameras[].url`. */

export type PathPart = string | number

/** `cameras[0].url` of ['cameras', 0, 'url']; '' is the whole file. */
export const pathText = (parts: readonly PropertyKey[]): string =>
  parts.reduce<string>((text, part) => {
    if (typeof part === 'number') return `${text}[${part}]`
    const name = /^[A-Za-z][A-Za-z0-9_-]*$/.test(String(part))
      ? String(part)
      : JSON.stringify(String(part).slice(0, 60))
    return text === '' ? name : `${text}.${name}`
  }, '')

/** The name of the same setting in a table: positions in lists left out. */
export const tablePath = (parts: readonly PropertyKey[]): string => pathText(parts).replace(/\[\d+\]/g, '[]')

/** Reads what a person typed; `undefined` if it is no path. At most 8 parts, positions up to 999. */
export function parsePath(typed: string): PathPart[] | undefined {
  if (!/^[A-Za-z][\w-]*(?:\[\d{1,3}\])?(?:\.[A-Za-z][\w-]*(?:\[\d{1,3}\])?){0,7}$/.test(typed)) return undefined
  return typed.split(/[.[]/).map((part) => (/^\d+\]$/.test(part) ? Number.parseInt(part, 10) : part))
}

/** What stands at `parts` in plain data; `undefined` if nothing does. */
export function valueAt(data: unknown, parts: readonly PropertyKey[]): unknown {
  let value = data
  for (const part of parts) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part)) return undefined
    value = (value as Readonly<Record<PropertyKey, unknown>>)[part]
  }
  return value
}

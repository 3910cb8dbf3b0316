/** The little XML that OSS speaks: elements with text, nested elements, and lists of either. */

type XmlValue = string | number | boolean | undefined | XmlElement | readonly (XmlElement | string)[]
export interface XmlElement {
  readonly [name: string]: XmlValue
}

/** One document with its root. An undefined value leaves its element out; a list repeats its element. */
export function xmlDocument(root: string, content: XmlElement): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n${element(root, content, '')}`
}

function element(name: string, value: XmlValue, indent: string): string {
  if (value === undefined) return ''
  if (Array.isArray(value)) return value.map((one) => element(name, one, indent)).join('')
  if (typeof value !== 'object') return `${indent}<${name}>${escapeXml(String(value))}</${name}>\n`
  const inner = Object.entries(value)
    .map(([child, childValue]) => element(child, childValue, `${indent}  `))
    .join('')
  return `${indent}<${name}>\n${inner}${indent}</${name}>\n`
}

function escapeXml(text: string): string {
  return text
    .replace(/&/g, '&amp;')
    .replace(/</g, '&lt;')
    .replace(/>/g, '&gt;')
    .replace(/"/g, '&quot;')
    .replace(/'/g, '&apos;')
    .replace(/\r/g, '&#13;')
}

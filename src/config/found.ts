/** The value that was found where another was expected, as a problem may show it: short, printable, without secrets. */

const shownCharsMax = 60

/** `(secret, 12 characters)`. */
export const maskedText = (characters: number): string =>
  `(secret, ${characters} ${characters === 1 ? 'character' : 'characters'})`

/** @param secret the field's own secrecy; a secret that landed in another field by a slip is looked for as well */
export function foundText(value: unknown, secret: boolean): string {
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object' && value !== null) return 'a group of settings'
  if (secret) return maskedText(String(value).length)
  if (typeof value === 'number' || typeof value === 'bigint') return `the number ${value}`
  if (typeof value !== 'string') return String(value)
  if (value === '') return 'empty'
  // A missing colon or a wrong indent joins the next line, which may be the one with the password.
  if (/passw|secret|token/i.test(value) || value.includes('\n')) return `text of ${value.length} characters`
  return shortened(value.replace(/^.*@/s, '(secret)@'))
}

function shortened(text: string): string {
  return JSON.stringify(text.length > shownCharsMax ? `${text.slice(0, shownCharsMax)}…` : text)
}

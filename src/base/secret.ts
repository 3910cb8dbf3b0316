/**
 * A text that cannot be logged by accident: however it is printed (template, JSON, `util.inspect`), a mask comes out.
 * `reveal` is called where the value leaves for its one purpose: a signature, a child's argument list.
 */
const mask = '(secret)'

export class Secret {
  readonly #text: string

  constructor(text: string) {
    this.#text = text
  }

  reveal(): string {
    return this.#text
  }

  toString(): string {
    return mask
  }

  toJSON(): string {
    return mask
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return mask
  }
}

/** Replaces every occurrence of the secrets, plain or percent-encoded, in what a foreign program says. */
export function redact(text: string, secrets: readonly Secret[]): string {
  let clean = text
  for (const secret of secrets) {
    const plain = secret.reveal()
    if (plain === '') continue
    for (const form of new Set([plain, encodeURIComponent(plain), encodeURI(plain)])) {
      clean = clean.split(form).join(mask)
    }
  }
  return clean
}

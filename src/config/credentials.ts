/** An access key in a file of its own, YAML or JSON (which is YAML). What is wrong is told without showing any of it. */
import { err, ok, type Result } from '../base/result.ts'
import { Secret } from '../base/secret.ts'
import { readSettingsText } from './settings-text.ts'

export interface StoreCredentials {
  readonly accessKeyId: string
  readonly accessKeySecret: Secret
  /** Of a temporary key. */
  readonly securityToken?: Secret
}

const known = ['accessKeyId', 'accessKeySecret', 'securityToken']

/** @returns an error that continues "<file> …" */
export function readCredentials(text: string): Result<StoreCredentials, string> {
  const read = readSettingsText(text)
  if (!read.ok) return err('is neither YAML nor JSON; it must hold accessKeyId and accessKeySecret, each with a text.')
  const data = read.value.data
  if (typeof data !== 'object' || data === null || Array.isArray(data)) {
    return err('must hold accessKeyId and accessKeySecret, each with a text.')
  }
  const map = data as Readonly<Record<string, unknown>>
  const stranger = Object.keys(map).findIndex((name) => !known.includes(name))
  if (stranger !== -1) return err(`holds something other than ${known.join(', ')}; take it out.`)
  for (const name of known) {
    const value = map[name]
    if (value === undefined && name === 'securityToken') continue
    if (value === undefined) return err(`lacks ${name}.`)
    if (typeof value !== 'string' || value === '') return err(`must hold a text for ${name}; put it in quotes.`)
  }
  const token = map.securityToken === undefined ? {} : { securityToken: new Secret(String(map.securityToken)) }
  return ok({
    accessKeyId: String(map.accessKeyId),
    accessKeySecret: new Secret(String(map.accessKeySecret)),
    ...token,
  })
}

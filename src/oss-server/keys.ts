/** Whose signatures are accepted: one lasting key pair, and temporary ones (STS) with a token and an end. */
import { randomBytes } from 'node:crypto'
import { Refusal } from './refusal.ts'

export interface KeyPair {
  readonly accessKeyId: string
  readonly accessKeySecret: string
}
/** As STS hands them out. The token must accompany every request signed with the secret. */
export interface TokenKeys extends KeyPair {
  readonly securityToken: string
  readonly expiresAtMs: number
}

/** Tokens kept at most; the oldest goes. A test that refreshes every second for an hour stays below it. */
const tokensMax = 4096

export class Keys {
  readonly lasting: KeyPair
  readonly #tokens = new Map<string, TokenKeys>()

  constructor(lasting: KeyPair, tokens: readonly TokenKeys[]) {
    this.lasting = lasting
    for (const token of tokens) this.add(token)
  }

  add(token: TokenKeys): void {
    this.#tokens.set(token.accessKeyId, token)
    const oldest = this.#tokens.keys().next().value
    if (this.#tokens.size > tokensMax && oldest !== undefined) this.#tokens.delete(oldest)
  }

  /** The secret to verify a signature with. Refuses unknown keys and tokens that do not fit or have ended. */
  secretFor(accessKeyId: string, securityToken: string | undefined, nowMs: number): string {
    if (accessKeyId === this.lasting.accessKeyId) {
      if (securityToken !== undefined) throw invalidToken()
      return this.lasting.accessKeySecret
    }
    const held = this.#tokens.get(accessKeyId)
    // A temporary key without its token is "not in our records", as is one that was never issued.
    if (held === undefined || securityToken === undefined) throw unknownKey(accessKeyId)
    if (held.securityToken !== securityToken) {
      const issued = [...this.#tokens.values()].some((token) => token.securityToken === securityToken)
      throw issued ? tokenOfAnother() : invalidToken()
    }
    if (nowMs >= held.expiresAtMs) throw tokenExpired()
    return held.accessKeySecret
  }
}

/** A pair that looks like a real one, so that nothing downstream depends on a special shape. */
export function makeKeyPair(): KeyPair {
  const letters = (count: number) =>
    randomBytes(count * 2)
      .toString('base64')
      .replace(/[^A-Za-z0-9]/g, '')
      .padEnd(count, '0')
      .slice(0, count)
  return { accessKeyId: `LTAI5t${letters(18)}`, accessKeySecret: letters(30) }
}

export function makeTokenKeys(expiresAtMs: number): TokenKeys {
  const { accessKeyId, accessKeySecret } = makeKeyPair()
  return {
    accessKeyId: `STS.${accessKeyId.slice(4)}`,
    accessKeySecret,
    securityToken: `CAIS${randomBytes(96).toString('base64')}`,
    expiresAtMs,
  }
}

const unknownKey = (accessKeyId: string) =>
  new Refusal(
    [403, 'InvalidAccessKeyId', 'The OSS Access Key Id you provided does not exist in our records.', '0002-00000902'],
    { details: { OSSAccessKeyId: accessKeyId } },
  )
const invalidToken = () =>
  new Refusal([403, 'InvalidSecurityToken', 'The security token you provided is invalid.', '0002-00000006'])
const tokenOfAnother = () =>
  new Refusal([
    403,
    'AccessKeyIdAndSecurityTokenNotMatch',
    'The security token you provided does not belong to the access key id.',
    '0002-00000006',
  ])
export const tokenExpired = () =>
  new Refusal([403, 'SecurityTokenExpired', 'The security token you provided has expired.', '0002-00000007'])

/** Carries out faults: what somebody else does to the object, and answers that are not what happened. */
import { bodyOf } from './body.ts'
import type { Fault } from './faults.ts'
import { tokenExpired } from './keys.ts'
import type { OssRequest, Reply, Surroundings } from './operation.ts'
import { Refusal, refusals } from './refusal.ts'
import { tooSkewed } from './signature.ts'

/** What "somebody else" writes: bytes that no camera sends, so that they are found. */
const foreignByte = 0x46
const defaultCodes: Readonly<Record<number, string>> = {
  500: 'InternalError',
  502: 'BadGateway',
  503: 'ServiceUnavailable',
}

/** A fault that answers before anything is done; undefined when the request goes on. */
export function answerInstead(fault: Fault | undefined, request: OssRequest, nowMs: number): Reply | undefined {
  switch (fault?.kind) {
    case 'error':
      throw new Refusal(
        [
          fault.status,
          fault.code ?? defaultCodes[fault.status] ?? 'InternalError',
          'Please try again later.',
          '0001-00000001',
        ],
        fault.qosDelayMs === undefined ? {} : { headers: { 'x-oss-qos-delay-time': String(fault.qosDelayMs) } },
      )
    case 'html':
      return page(fault.status)
    case 'token-expired':
      throw tokenExpired()
    case 'no-such-bucket':
      throw refusals.noSuchBucket(request.bucket)
    case 'skewed': {
      const refusal = tooSkewed(nowMs, nowMs + fault.offsetMs)
      const date = fault.date1970 === true ? 10_000 : nowMs + fault.offsetMs
      Object.assign(refusal.headers, { date: new Date(date).toUTCString() })
      throw refusal
    }
    default:
      return undefined
  }
}

/** What happens to the object before the request is carried out. */
export async function meddle(
  fault: Fault | undefined,
  request: OssRequest,
  { store, nowMs }: Surroundings,
): Promise<void> {
  const creation = { headers: {}, acl: 'default', storageClass: 'Standard' }
  const at = { nowMs: nowMs(), creation: () => creation }
  switch (fault?.kind) {
    case 'foreign-append': {
      const found = store.find(request.key)
      if (found?.type === 'Normal') return
      const bytes = Buffer.alloc(fault.bytes ?? request.body.bytes, foreignByte)
      await store.append(request.key, found?.bytes ?? 0, bodyOf(bytes), at)
      return
    }
    case 'replace-before':
      await store.put(request.key, bodyOf(Buffer.alloc(fault.bytes ?? request.body.bytes, foreignByte)), {
        ...at,
        creation,
      })
      return
    case 'delete-before':
      await store.remove(request.key)
  }
}

/** The answer as the fault wants it told. */
export function distort(fault: Fault | undefined, reply: Reply): Reply {
  const change = (name: string, to: (value: bigint) => bigint): Reply => {
    const value = reply.headers[name]
    if (typeof value !== 'string') return reply
    return { ...reply, headers: { ...reply.headers, [name]: String(to(BigInt(value))) } }
  }
  if (fault?.kind === 'wrong-crc') return change('x-oss-hash-crc64ecma', (crc) => crc ^ 1n)
  if (fault?.kind === 'wrong-next-position') return change('x-oss-next-append-position', (position) => position + 1n)
  return reply
}

function page(status: number): Reply {
  return {
    status,
    headers: {
      server: 'nginx',
      'content-type': 'text/html; charset=utf-8',
      // No request id: this was not OSS.
      'x-oss-request-id': undefined,
      'x-oss-server-time': undefined,
    },
    content:
      '<!DOCTYPE html><html><head><title>Welcome</title></head><body>Please accept the terms of use.</body></html>\n',
  }
}

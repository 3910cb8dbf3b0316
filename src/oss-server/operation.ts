/** The operations of OSS that the stand-in knows, told apart as the service does: by method, path and subresource. */
import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http'
import type { Body } from './body.ts'
import type { ObjectStore } from './object-store.ts'

export const operations = [
  'append',
  'put',
  'copy',
  'head',
  'meta',
  'get',
  'acl',
  'tagging',
  'delete',
  'list',
  'options',
  'unknown',
] as const
export type Operation = (typeof operations)[number]

/** One request, authorised or about to be, with its body complete. */
export interface OssRequest {
  readonly operation: Operation
  readonly method: string
  readonly bucket: string
  readonly key: string
  readonly query: readonly (readonly [string, string])[]
  readonly headers: IncomingHttpHeaders
  readonly body: Body
}
export interface Surroundings {
  readonly store: ObjectStore
  readonly nowMs: () => number
}
export interface Reply {
  readonly status: number
  readonly headers: OutgoingHttpHeaders
  readonly content?: string | ObjectBytes
}
/** Bytes of an object, from `start` to `end` inclusive; `end` < `start` for none. */
export interface ObjectBytes {
  readonly key: string
  readonly start: number
  readonly end: number
}

export function operationOf(request: Pick<OssRequest, 'method' | 'key' | 'query' | 'headers'>): Operation {
  const has = (name: string) => request.query.some(([found]) => found === name)
  const { method, key } = request
  if (method === 'OPTIONS') return 'options'
  if (key === '') {
    const other = ['acl', 'location', 'bucketInfo', 'stat', 'uploads', 'versions', 'cors', 'lifecycle', 'policy'].some(
      has,
    )
    return method === 'GET' && !other ? 'list' : 'unknown'
  }
  if (['uploads', 'uploadId', 'restore', 'symlink', 'seal', 'x-oss-process'].some(has)) return 'unknown'
  if (method === 'POST') return has('append') ? 'append' : 'unknown'
  if (has('objectMeta') && (method === 'HEAD' || method === 'GET')) return 'meta'
  if (has('acl')) return method === 'GET' ? 'acl' : 'unknown'
  if (has('tagging')) return method === 'GET' ? 'tagging' : 'unknown'
  switch (method) {
    case 'PUT':
      return request.headers['x-oss-copy-source'] === undefined ? 'put' : 'copy'
    case 'HEAD':
      return 'head'
    case 'GET':
      return 'get'
    case 'DELETE':
      return 'delete'
    default:
      return 'unknown'
  }
}

export const queryOf = (request: Pick<OssRequest, 'query'>, name: string): string | undefined =>
  request.query.find(([found]) => found === name)?.[1]

export function headerOf(request: Pick<OssRequest, 'headers'>, name: string): string | undefined {
  const value = request.headers[name]
  return Array.isArray(value) ? value.join(',') : value
}

/** The one CORS rule of the bucket: any page may read, with ranges, and see what a player needs to see. */
import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http'
import type { Reply } from './operation.ts'
import { Refusal } from './refusal.ts'

const methods = ['GET', 'HEAD']
const exposed = [
  'Content-Length',
  'Content-Range',
  'Accept-Ranges',
  'ETag',
  'Last-Modified',
  'Date',
  'x-oss-next-append-position',
  'x-oss-hash-crc64ecma',
  'x-oss-object-type',
  'x-oss-request-id',
  'x-oss-server-time',
]
/** Browsers ask again after this; OSS's own default for a new rule is none. */
const maxAgeS = 600

/** Headers for any answer to a page of another origin. A method outside the rule gets none, and the page sees nothing. */
export function corsHeaders(headers: IncomingHttpHeaders, method: string): OutgoingHttpHeaders {
  if (headers.origin === undefined || !methods.includes(method)) return {}
  return {
    'access-control-allow-origin': '*',
    'access-control-allow-methods': methods.join(', '),
    'access-control-expose-headers': exposed.join(', '),
    vary: 'Origin',
  }
}

/** The answer to OPTIONS, which is never signed. */
export function preflight(headers: IncomingHttpHeaders, enabled: boolean): Reply {
  const method = headers['access-control-request-method']
  if (!enabled || headers.origin === undefined || method === undefined || !methods.includes(method)) {
    throw new Refusal([403, 'AccessForbidden', 'CORSResponse: This CORS request is not allowed.', '0019-00000301'])
  }
  const asked = headers['access-control-request-headers']
  return {
    status: 200,
    headers: {
      ...corsHeaders(headers, method),
      ...(asked === undefined ? {} : { 'access-control-allow-headers': asked }),
      'access-control-max-age': String(maxAgeS),
    },
  }
}

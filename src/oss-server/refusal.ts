/**
 * What OSS says when it does not do what it was asked: status, code, sentence, EC number.
 *
 * Thrown by whatever finds the fault and turned into XML in one place (`reply.ts`), because a refusal ends a request
 * wherever it is found. The codes are those of the OSS error reference; where no page names a code, a comment says so.
 */
import type { OutgoingHttpHeaders } from 'node:http'
import type { XmlElement } from './xml.ts'

export class Refusal extends Error {
  readonly status: number
  readonly code: string
  readonly ec: string
  /** Elements of the error document beside the usual ones, such as `ServerTime`. */
  readonly details: XmlElement
  readonly headers: OutgoingHttpHeaders

  constructor(
    [status, code, message, ec]: readonly [number, string, string, string],
    more: { details?: XmlElement; headers?: OutgoingHttpHeaders } = {},
  ) {
    super(message)
    this.status = status
    this.code = code
    this.ec = ec
    this.details = more.details ?? {}
    this.headers = more.headers ?? {}
  }
}

const argument = (ArgumentName: string, ArgumentValue: string | undefined) => ({
  details: { ArgumentName, ArgumentValue: ArgumentValue ?? '' },
})

export const refusals = {
  invalidArgument: (message: string, name: string, value: string | undefined, ec = '0016-00000500') =>
    new Refusal([400, 'InvalidArgument', message, ec], argument(name, value)),
  positionMissing: () =>
    new Refusal([400, 'MissingArgument', 'Missing argument position.', '0016-00000501'], argument('position', '')),
  positionNotNumber: (value: string) =>
    new Refusal(
      [400, 'InvalidArgument', 'The position must be a non-negative integer.', '0016-00000502'],
      argument('position', value),
    ),
  positionMismatch: (length: number) =>
    new Refusal([409, 'PositionNotEqualToLength', 'Position is not equal to file length', '0026-00000016'], {
      headers: { 'x-oss-next-append-position': String(length) },
    }),
  notAppendable: () => new Refusal([409, 'ObjectNotAppendable', 'The object is not appendable', '0026-00000017'], {}),
  exists: (key: string) =>
    new Refusal(
      [
        409,
        'FileAlreadyExists',
        'The object you specified already exists and can not be overwritten.',
        '0026-00000002',
      ],
      { details: { Key: key } },
    ),
  /** No page names the code for an append beyond the size limit; this is the nearest documented one. */
  tooLarge: (limitBytes: number, askedBytes: number) =>
    new Refusal([400, 'EntityTooLarge', 'Your proposed upload exceeds the maximum allowed size.', '0006-00000003'], {
      details: { MaxSizeAllowed: limitBytes, ProposedSize: askedBytes },
    }),
  noLength: () =>
    new Refusal([411, 'MissingContentLength', 'You must provide the Content-Length HTTP header.', '0017-00000001']),
  invalidDigest: (message: string) => new Refusal([400, 'InvalidDigest', message, '0017-00000003']),
  invalidName: (key: string) =>
    new Refusal([400, 'InvalidObjectName', 'The specified object is not valid.', '0016-00000002'], {
      details: { ObjectName: key },
    }),
  noSuchKey: (key: string) =>
    new Refusal([404, 'NoSuchKey', 'The specified key does not exist.', '0026-00000001'], { details: { Key: key } }),
  noSuchBucket: (bucket: string) =>
    new Refusal([404, 'NoSuchBucket', 'The specified bucket does not exist.', '0015-00000101'], {
      details: { BucketName: bucket },
    }),
  invalidRange: (size: number, asked: string) =>
    new Refusal([416, 'InvalidRange', 'The requested range cannot be satisfied', '0025-00000101'], {
      details: { ActualObjectSize: size, RangeRequested: asked },
      headers: { 'content-range': `bytes */${size}` },
    }),
  preconditionFailed: (condition: string) =>
    new Refusal(
      [412, 'PreconditionFailed', 'At least one of the pre-conditions you specified did not hold.', '0026-00000007'],
      { details: { Condition: condition } },
    ),
  /** Pages say only that appendable objects cannot be copied, and name no code. */
  copyOfAppendable: () =>
    new Refusal([400, 'OperationNotSupported', 'An appendable object cannot be copied.', '0026-00000018']),
  denied: (message: string, ec = '0003-00000001') => new Refusal([403, 'AccessDenied', message, ec]),
  notImplemented: (what: string) =>
    new Refusal([501, 'NotImplemented', `This stand-in does not implement ${what}.`, '0001-00000001']),
  methodNotAllowed: (method: string) =>
    new Refusal(
      [405, 'MethodNotAllowed', 'The specified method is not allowed against this resource.', '0017-00000005'],
      {
        details: { Method: method },
      },
    ),
}

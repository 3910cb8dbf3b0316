/**
 * Every setting of the recorder: name, type, range, default, unit, secrecy, effect, and a sentence for people. The type
 * `Settings`, the problems of a file, the example of `watchpost init` and the README's table all come from here.
 *
 * Pure: files are read by `adapters/settings-file.ts`. Rules between settings stand in `cross-checks.ts`.
 */
import * as z from 'zod'
import { limits } from '../base/limits.ts'
import { cameraSchema, camerasMax } from './camera-settings.ts'
import {
  choice,
  choiceOr,
  group,
  item,
  number,
  numberOr,
  optionalChoice,
  optionalNumber,
  optionalText,
  secretText,
  sizeOr,
  text,
  textList,
  textMap,
  textOr,
  yesOrNo,
} from './field.ts'
import * as rule from './text-rules.ts'

const loop = 'loop restart'

const site = group({
  timeZone: textOr('UTC', rule.timeZoneRule, {
    effect: 'live',
    help: 'Time zone in which people read times; everything stored is UTC.',
  }),
})

const credentials = group({
  accessKeyId: optionalText(rule.accessKeyIdRule, {
    effect: loop,
    help: 'First half of an access key that stands in this file.',
    example: 'LTAI5tExample',
  }),
  accessKeySecret: secretText({ effect: loop, help: 'Second half of that access key.', example: "'the secret'" }),
  securityToken: secretText({ effect: loop, help: 'Token of a temporary access key.', example: "'the token'" }),
  file: optionalText(rule.pathRule, {
    effect: loop,
    help: 'A file of mode 0600, YAML or JSON, with accessKeyId, accessKeySecret and perhaps securityToken.',
    example: '/etc/watchpost/credentials.yaml',
  }),
  environment: yesOrNo(false, {
    effect: loop,
    help: 'Take ALIBABA_CLOUD_ACCESS_KEY_ID, ALIBABA_CLOUD_ACCESS_KEY_SECRET and ALIBABA_CLOUD_SECURITY_TOKEN.',
  }),
})

const objects = group({
  acl: optionalChoice(['default', 'private', 'public-read'], {
    effect: 'live',
    help: 'Who may read new objects; left out, the bucket decides.',
    example: 'private',
  }),
  storageClass: optionalChoice(['Standard', 'IA', 'Archive'], {
    effect: 'live',
    help: 'Storage class of new objects; left out, the bucket decides.',
    example: 'Standard',
  }),
  serverSideEncryption: optionalChoice(['AES256', 'KMS'], {
    effect: 'live',
    help: 'How the store encrypts new objects at rest; left out, the bucket decides.',
    example: 'AES256',
  }),
  // Source: OSS, "Tag objects": at most 10 tags.
  tags: textMap(
    { name: rule.tagNameRule, value: rule.tagValueRule, countMax: 10 },
    { effect: 'live', help: 'Tags of new objects; the key needs the permission oss:PutObjectTagging.' },
  ),
  cacheControl: optionalText(rule.headerRule, {
    effect: 'live',
    help: 'Cache-Control of new objects; they grow, so caches must ask again.',
    example: 'no-cache',
  }),
})

const store = group({
  bucket: text(rule.bucketRule, { effect: loop, help: 'The bucket that takes the footage.', example: 'my-footage' }),
  region: text(rule.regionRule, { effect: loop, help: "The bucket's region.", example: 'cn-hangzhou' }),
  endpoint: optionalText(rule.endpointRule, {
    effect: loop,
    help: "The store's address; left out, the public one of the region. Without http:// in front it is https.",
    example: 'https://oss-cn-hangzhou.aliyuncs.com',
  }),
  cname: yesOrNo(false, { effect: loop, help: 'Whether the endpoint is a domain of your own, bound to the bucket.' }),
  pathStyle: yesOrNo(false, {
    effect: loop,
    help: 'Whether the bucket stands in the path, as the stand-in of this program wants it, and not in the host name.',
  }),
  caFile: optionalText(rule.pathRule, {
    effect: loop,
    help: 'A PEM file with further certificate authorities to trust for this store.',
    example: '/etc/watchpost/ca.pem',
  }),
  prefix: textOr('', rule.prefixRule, {
    effect: loop,
    help: 'Stands in front of the name of every object; recorders of one site may share it.',
    example: 'site-7',
  }),
  credentials,
  objects,
})

const input = item({
  name: text(rule.nameRule, { effect: loop, help: "The input's name; it stands in every event.", example: 'pir-gate' }),
  chip: text(rule.chipRule, {
    effect: loop,
    help: 'Label of the GPIO chip, as gpioinfo shows it.',
    example: 'pinctrl-rp1',
  }),
  line: number(
    { least: 0, most: 511, unit: 'line of the chip', whole: true },
    { effect: loop, help: 'Line of that chip.', example: '17' },
  ),
  kind: choice(['motion', 'door', 'tamper', 'button'], {
    effect: loop,
    help: 'What an active input means.',
    example: 'motion',
  }),
  activeLow: yesOrNo(false, { effect: loop, help: 'Whether a low level means active.' }),
  debounceMs: numberOr(
    50,
    { least: 0, most: 10_000, unit: 'milliseconds', whole: true },
    { effect: loop, help: 'A level must last this long to count.' },
  ),
  cameras: textList(rule.nameRule, camerasMax, {
    effect: 'live',
    help: 'Cameras that look at what this input senses; left out, all.',
    example: '[gate]',
  }),
})

/** Where the unit of systemd lets the recorder write. */
export const bufferDirectory = '/var/lib/watchpost'

const buffer = group({
  directory: textOr(bufferDirectory, rule.pathRule, {
    effect: loop,
    help: 'Where footage waits for the network.',
  }),
  mountPoint: optionalText(rule.pathRule, {
    effect: loop,
    help: 'Where the disk of that directory is mounted, at or above it. While none is, nothing is written there, and footage is held in memory; left out, nobody looks.',
    example: '/var/lib/watchpost/card',
  }),
  quotaBytes: sizeOr(
    10e9,
    { least: 64 * 1024 ** 2, most: 100e12 },
    { effect: 'live', help: 'Footage kept on the disk at most; beyond it the oldest goes, and a gap says so.' },
  ),
  minFreeBytes: sizeOr(
    512 * 1024 ** 2,
    { least: 0, most: 100e12 },
    { effect: 'live', help: 'Space left free on the disk for the rest of the system.' },
  ),
  spillAfterS: numberOr(
    limits.memory.spillAfterMs / 1000,
    { least: 0, most: 60, unit: 'seconds', whole: false },
    {
      effect: 'live',
      help: 'Footage that the store has not confirmed after so long is written to the disk; a power cut loses no more, and 0 writes all of it.',
    },
  ),
  memoryBytes: sizeOr(
    limits.memory.memoryBytes,
    { least: 16 * 1024 ** 2, most: 64e9 },
    { effect: 'live', help: 'Footage held in memory at most, of all cameras together.' },
  ),
  memoryBytesPerCamera: sizeOr(
    limits.memory.memoryBytesPerCamera,
    { least: 8 * 1024 ** 2, most: 64e9 },
    { effect: 'live', help: 'Footage held in memory at most, of one camera.' },
  ),
})

const uplink = group({
  bitsPerSMax: optionalNumber(
    { least: 64_000, most: 10_000_000_000, unit: 'bits a second', whole: true },
    {
      effect: 'live',
      help: 'The recorder sends no faster than this; left out, as fast as it can.',
      example: '8000000',
    },
  ),
})

const rollover = group({
  bytes: sizeOr(
    1024 ** 3,
    { least: 64 * 1024, most: 4.5e9 },
    { effect: 'live', help: 'A recording that reaches this size ends, and the next begins; OSS takes 5 GB.' },
  ),
})

const report = group({
  schedule: textOr('0 * * * *', rule.cronRule, {
    effect: loop,
    help: 'When a health report is appended to the bucket, in site time.',
  }),
})

const consoleGroup = group({
  port: optionalText(rule.pathRule, {
    effect: loop,
    help: 'Serial port on which the console answers; left out, it is off.',
    example: '/dev/ttyAMA0',
  }),
  baud: numberOr(
    115_200,
    { least: 1200, most: 4_000_000, unit: 'baud', whole: true },
    { effect: loop, help: 'Speed of that port, 8 data bits, no parity, 1 stop bit.' },
  ),
})

export const settingsSchema = z
  .strictObject({
    device: text(rule.nameRule, {
      effect: loop,
      help: 'The name of this recorder, unlike any other under the same prefix; it stands in the name of every object.',
      example: 'recorder-1',
    }),
    site,
    store,
    cameras: z.array(cameraSchema).min(1).max(camerasMax).readonly(),
    inputs: z.array(input).max(32).readonly().default([]),
    buffer,
    uplink,
    rollover,
    report,
    console: consoleGroup,
    control: group({
      socket: textOr('/run/watchpost/control.sock', rule.socketRule, {
        effect: loop,
        help: 'Where `watchpost status` and the console ask the running recorder.',
      }),
    }),
    log: group({
      level: choiceOr('info', ['debug', 'info', 'warn', 'error'], {
        effect: 'live',
        help: 'The least important lines that are written to the log.',
      }),
    }),
  })
  .readonly()

export type Settings = z.output<typeof settingsSchema>
export type StoreSettings = Settings['store']
export type InputSettings = Settings['inputs'][number]

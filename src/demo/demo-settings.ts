/** The settings file of the demo, as text: what a person would write, with everything in one directory. */
import { join } from 'node:path'

export interface DemoStore {
  readonly url: string
  readonly bucket: string
  readonly region: string
  readonly accessKeyId: string
  readonly accessKeySecret: string
}

/** @param camera `undefined` for the test camera, an `rtsp://` address, or the path of a file */
export function demoSettings(directory: string, store: DemoStore, camera: string | undefined): string {
  return `device: demo
site: { timeZone: UTC }
store:
  bucket: ${store.bucket}
  region: ${store.region}
  endpoint: ${store.url}
  pathStyle: true
  prefix: site-1
  credentials: { accessKeyId: ${store.accessKeyId}, accessKeySecret: ${store.accessKeySecret} }
cameras:
  - name: gate
${cameraLines(camera)}
buffer: { directory: ${JSON.stringify(join(directory, 'buffer'))}, quotaBytes: 1GB, minFreeBytes: 64MB }
report: { schedule: '*/15 * * * * *' }
control: { socket: ${JSON.stringify(join(directory, 'control.sock'))} }
`
}

function cameraLines(camera: string | undefined): string {
  if (camera === undefined) {
    return '    kind: test\n    width: 960\n    height: 540\n    framesPerS: 15\n    gopS: 1\n    bitsPerS: 1500000'
  }
  if (!camera.startsWith('rtsp://')) return `    kind: file\n    path: ${JSON.stringify(camera)}`
  const url = new URL(camera)
  const login = [
    url.username === '' ? '' : `\n    user: ${JSON.stringify(decodeURIComponent(url.username))}`,
    url.password === '' ? '' : `\n    password: ${JSON.stringify(decodeURIComponent(url.password))}`,
  ].join('')
  url.username = ''
  url.password = ''
  return `    kind: rtsp\n    url: ${JSON.stringify(url.href)}${login}`
}

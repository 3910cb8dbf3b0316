/** The console on a real serial port (a 16550), by the real `serialport`, typed at from the other end of the wire. */
import { readFileSync } from 'node:fs'
import type { Socket } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { bootDevice, type VirtualDevice } from './virtual-device.ts'

const guest = readFileSync(new URL('guest/console.mjs', import.meta.url), 'utf8')
const settings = `device: gate-1
store:
  bucket: my-footage
  region: cn-hangzhou
  credentials:
    accessKeyId: LTAI5tExample
    accessKeySecret: 'hunter2hunter2'
cameras:
  - name: gate
    kind: test
console:
  port: /dev/ttyS0
`
const job = `
cp /out/settings.yaml /data/settings.yaml; chmod 600 /data/settings.yaml
node /out/console.mjs console --config /data/settings.yaml & pid=$!
while ! grep -q mended /data/settings.yaml; do sleep 0.2; done
kill $pid; wait $pid; cat /data/settings.yaml; echo CONSOLE-ENDED
`

let device: VirtualDevice
let wire: Socket
let heard = ''
let look = (): void => {}
beforeAll(async () => {
  device = await bootDevice({ job, files: { 'console.mjs': guest, 'settings.yaml': settings } })
  wire = await device.serial()
  wire.setEncoding('latin1').on('data', (text: string) => {
    heard += text
    look()
  })
  await device.waitFor(/VM-READY/)
})
afterAll(() => device.end())

/** Types a line and waits for words of the answer; typed again while the other end is not there yet, as a person would. */
async function type(line: string, words: RegExp): Promise<string> {
  const from = heard.length
  wire.write(`${line}\r`)
  let patience: NodeJS.Timeout | undefined
  const again = setInterval(() => wire.write(`${line}\r`), 5_000)
  try {
    return await new Promise<string>((resolve, reject) => {
      patience = setTimeout(() => reject(new Error(`no ${words} in: ${JSON.stringify(heard.slice(from))}`)), 60_000)
      look = () => {
        if (words.test(heard.slice(from))) resolve(heard.slice(from))
      }
      look()
    })
  } finally {
    clearInterval(again)
    clearTimeout(patience)
  }
}

test('answers on the wire, and shows no secret', async () => {
  await type('help', /rollback/)
  const shown = await type('show', /my-footage[\s\S]*>/)
  expect(shown).toContain('my-footage')
  expect(heard).not.toContain('hunter2')
})

test('a line that is far too long is refused once, and the next one is obeyed', async () => {
  wire.write('x'.repeat(20_000))
  await type('', /longer than 1024 bytes/)
  await type('diff', />/)
  expect(heard.match(/longer than 1024 bytes/g)).toHaveLength(1)
})

test('set and commit change the file, atomically and with its rights', async () => {
  await type('set device mended', /changed/)
  await type('commit', /Saved/)
  const [, text = ''] = await device.waitFor(/(device: mended[\s\S]*)CONSOLE-ENDED/)
  expect(text).toContain("accessKeySecret: 'hunter2hunter2'")
})

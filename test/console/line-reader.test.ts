import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createLineReader, type LineEvent } from '../../src/console/line-reader.ts'

const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31))
const bytesMax = 32

function read(input: string | Uint8Array, hides: (line: string) => boolean = () => false, pieces?: readonly number[]) {
  const bytes = typeof input === 'string' ? Buffer.from(input) : input
  const reader = createLineReader({ bytesMax, hides })
  const events: LineEvent[] = []
  let echo = ''
  let at = 0
  for (const length of [...(pieces ?? []), bytes.length]) {
    const got = reader.push(bytes.subarray(at, at + length))
    at += length
    for (const event of got) {
      if (event.kind === 'echo') echo += event.text
      else events.push(event)
    }
  }
  return { events, echo }
}

const lines = (input: string | Uint8Array): string[] =>
  read(input).events.map((event) => (event.kind === 'line' ? event.text : event.kind))

describe('the line reader', () => {
  test.each([
    ['CR', 'status\rshow\r', ['status', 'show']],
    ['LF', 'status\nshow\n', ['status', 'show']],
    ['CR and LF', 'status\r\nshow\r\n', ['status', 'show']],
    ['empty lines', '\r\r\n\n', ['', '', '']],
    ['no end', 'status', []],
    ['NUL and control characters', '\0st\0at\x01us\x7f\x7f\0us\r', ['status']],
    ['tab', 'set\ta\r', ['set a']],
    ['backspace', 'statux\bs\r', ['status']],
    ['backspace at the beginning', '\b\b\x7fok\r', ['ok']],
    ['backspace takes a whole character', 'ä€😀\b\b\bok\r', ['ok']],
    ['Ctrl-U', 'garbage\x15ok\r', ['ok']],
    ['Ctrl-C', 'garbage\x03ok\r', ['interrupt', 'ok']],
    ['arrow keys', 'st\x1b[Aat\x1bOBus\x1b[1;5C\r', ['status']],
    ['a broken escape sequence ends with the line', '\x1b[\rok\r', ['', 'ok']],
    ['a long escape sequence takes nothing', `\x1b[${'1;'.repeat(500)}mok\r`, ['ok']],
  ])('%s', (_name, input, wanted) => {
    expect(lines(input)).toEqual(wanted)
  })

  test('takes a line of just the limit, answers a longer one once, and obeys the next', () => {
    const longest = 'x'.repeat(bytesMax)
    expect(lines(`${longest}\r${longest}y\rok\r`)).toEqual([longest, 'too-long', 'ok'])
    expect(lines(`${'ä'.repeat(bytesMax / 2)}\r${'ä'.repeat(bytesMax / 2 + 1)}\r`)).toEqual([
      'ä'.repeat(16),
      'too-long',
    ])
    expect(read('x'.repeat(100_000)).echo).toHaveLength(bytesMax)
    expect(lines(`${'x'.repeat(100)}\x15ok\r`)).toEqual(['ok'])
  })

  test('marks a line with half a character, also when only the end of the line cuts it', () => {
    const half = Buffer.concat([Buffer.from('set a'), Buffer.from('€').subarray(0, 2), Buffer.from('\rok\r')])
    expect(read(half).events).toEqual([
      { kind: 'line', text: 'set a\ufffd', damaged: true },
      { kind: 'line', text: 'ok', damaged: false },
    ])
  })

  test('echoes what is typed, stars for secrets, and wipes what is taken back', () => {
    expect(read('ab\bc\r').echo).toBe('ab\b \bc\r\n')
    expect(read('abc\x15').echo).toBe(`abc${'\b \b'.repeat(3)}`)
    expect(read('pw hunter2\r', (line) => line.startsWith('pw ')).echo).toBe('pw *******\r\n')
  })

  const noise = fc.uint8Array({ maxLength: 400 })
  const pieces = fc.array(fc.integer({ min: 0, max: 7 }), { maxLength: 60 })

  test(`says the same however the bytes are cut (SEED=${seed})`, () => {
    fc.assert(
      fc.property(noise, pieces, (bytes, cuts) => {
        expect(read(bytes, undefined, cuts)).toEqual(read(bytes))
      }),
      { seed, numRuns: 1000 },
    )
  })

  test(`bounds its lines and steers no terminal, whatever the noise (SEED=${seed})`, () => {
    const key = fc.constantFrom(
      ...'ab \b\x7f\r\n\x1b[O\x03\x15\0\xc2\x9b'.split('').map((c) => c.charCodeAt(0)),
      0xe2,
      0x82,
      0xff,
    )
    fc.assert(
      fc.property(
        fc.oneof(
          noise,
          fc.array(key, { maxLength: 300 }).map((codes) => Uint8Array.from(codes)),
        ),
        (bytes) => {
          const { events, echo } = read(bytes)
          for (const event of events) {
            if (event.kind === 'line') {
              expect(Buffer.byteLength(event.text)).toBeLessThanOrEqual(bytesMax)
              expect(event.text).not.toMatch(/\p{Cc}/u)
            }
          }
          expect(echo.replaceAll('\b \b', '').replaceAll('\r\n', '')).not.toMatch(/\p{Cc}/u)
        },
      ),
      { seed, numRuns: 2000 },
    )
  })
})

import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { breaches, type SourceFile } from './house-rules.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

function filesBelow(folder: string, ending: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith(ending))
    .map((name) => `${folder}/${name}`)
}

const file = (path: string, text: string): SourceFile => ({ path, text })

describe('the rules of the house', () => {
  test('hold in src', () => {
    const files = filesBelow('src', '.ts').map((path) => file(path, readFileSync(join(root, path), 'utf8')))
    expect(files.length).toBeGreaterThan(20)
    expect(breaches(files)).toEqual([])
  })

  test.each([
    [
      'a feature that imports a feature',
      file('src/buffer/a.ts', "import { x } from '../uplink/b.ts'\n"),
      'may not import',
    ],
    ['base that imports format', file('src/base/a.ts', "import type { x } from '../format/b.ts'\n"), 'may not import'],
    ['a cloud package outside adapters', file('src/uplink/a.ts', "import OSS from 'ali-oss'\n"), 'src/adapters'],
    ['a lazy import of hardware', file('src/app.ts', "await import('onoff')\n"), 'src/adapters'],
    ['the file system outside adapters', file('src/buffer/a.ts', "import { open } from 'node:fs'\n"), 'src/adapters'],
    [
      'the stand-in that uses our code',
      file('src/oss-server/a.ts', "import { crc64 } from '../base/c.ts'\n"),
      'shares no',
    ],
    ['the time from nowhere', file('src/health/a.ts', 'const now = Date.now()\n'), 'Clock'],
    ['a timer', file('src/capture/a.ts', 'setTimeout(() => {}, 5)\n'), 'Clock'],
    ['dice', file('src/uplink/a.ts', 'const x = Math.random()\n'), 'Random'],
    ['a file that got away', file('src/base/a.ts', 'x\n'.repeat(301)), '301 lines'],
  ])('catch %s', (_name, breach, words) => {
    expect(breaches([breach]).join()).toContain(words)
  })

  test('do not mind the same words in a comment', () => {
    expect(
      breaches([file('src/base/a.ts', '/** Never Date.now(). */\n// setTimeout(x)\nexport const a = 1\n')]),
    ).toEqual([])
  })

  test('every link in a README leads somewhere', () => {
    const pages = [
      'README.md',
      ...['src', 'hw', 'systemd', 'scripts', 'test'].flatMap((folder) => filesBelow(folder, '.md')),
    ]
    const dead = pages.flatMap((page) => {
      if (!existsSync(join(root, page))) return [`${page} is missing`]
      const text = readFileSync(join(root, page), 'utf8')
      return [...text.matchAll(/\]\((?!https?:|#)([^)#\s]+)[^)]*\)/g)]
        .map(([, target = '']) => target)
        .filter((target) => !existsSync(join(root, dirname(page), target)))
        .map((target) => `${page} links to ${target}, which is not there`)
    })
    expect(dead).toEqual([])
  })
})

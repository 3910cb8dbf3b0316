/** `npm run check`: types, lint and format, dead code, and the rules of the house. Runs all, then says which failed. */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const checks = [
  ['types', 'node_modules/typescript/bin/tsc', ['-p', '.', '--noEmit']],
  ['types of the page', 'node_modules/typescript/bin/tsc', ['-p', 'src/viewer/page', '--noEmit']],
  [
    'lint and format',
    'node_modules/@biomejs/biome/bin/biome',
    ['check', '--config-path=.biome.json', '--error-on-warnings', 'src', 'test', 'scripts'],
  ],
  ['dead code', 'node_modules/knip/bin/knip.js', ['--no-progress']],
  ['house rules', 'node_modules/vitest/vitest.mjs', ['run', '--config', 'test/vitest.config.ts', 'test/tidy']],
]

const failed = []
for (const [name, program, args] of checks) {
  const done = spawnSync(process.execPath, [program, ...args], { cwd: root, encoding: 'utf8' })
  const passed = done.status === 0
  process.stdout.write(`${passed ? 'ok    ' : 'FAILED'} ${name}\n`)
  if (!passed) {
    process.stdout.write(`${done.stdout}${done.stderr}\n`)
    failed.push(name)
  }
}
if (failed.length > 0) {
  process.stderr.write(`npm run check: ${failed.join(', ')} failed; the words of each are above.\n`)
  process.exit(1)
}

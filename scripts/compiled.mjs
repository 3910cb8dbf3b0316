/** `node scripts/compiled.mjs bench|sim|chaos [options]`: compiles test/<name> with its tsconfig and runs its main. */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const run = (args) => spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit' }).status ?? 1

const [name, ...options] = process.argv.slice(2)
const built = run(['node_modules/typescript/bin/tsc', '-p', `test/${name}`])
if (built !== 0) {
  process.stderr.write(`test/${name} does not compile: see above.\n`)
  process.exit(1)
}
process.exit(run([`node_modules/.cache/watchpost-${name}/test/${name}/main.js`, ...options]))

/** `npm run bench [-- --json FILE] [--only NAME]`: compiles test/bench and runs it. */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const run = (args) => spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit' }).status ?? 1

const built = run(['node_modules/typescript/bin/tsc', '-p', 'test/bench'])
if (built !== 0) {
  process.stderr.write('The benchmark does not compile: see above.\n')
  process.exit(1)
}
process.exit(run(['node_modules/.cache/watchpost-bench/test/bench/main.js', ...process.argv.slice(2)]))

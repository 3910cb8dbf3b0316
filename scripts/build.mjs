/** Builds `dist/`: TypeScript by `tsc`, and the page as it is. Skipped when nothing changed since the last build. */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const dist = join(root, 'dist')
const mark = join(dist, '.built-from')

function* filesBelow(folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) yield* filesBelow(path)
    else yield path
  }
}

/** Content, not times: a fresh checkout has new times and old content. */
function fingerprint() {
  const hash = createHash('sha256')
  for (const file of [
    ...filesBelow(join(root, 'src')),
    join(root, 'tsconfig.json'),
    join(root, 'package.json'),
  ].sort()) {
    hash
      .update(file)
      .update(String(statSync(file).size))
      .update(readFileSync(file))
  }
  return hash.digest('hex')
}

const wanted = fingerprint()
if (!existsSync(mark) || readFileSync(mark, 'utf8') !== wanted) {
  process.stdout.write('Building …\n')
  rmSync(dist, { recursive: true, force: true })
  const tsc = spawnSync(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', 'src'], {
    cwd: root,
    stdio: 'inherit',
  })
  if (tsc.status !== 0) {
    process.stderr.write('The build failed: see the messages above.\n')
    process.exit(1)
  }
  mkdirSync(join(dist, 'viewer'), { recursive: true })
  if (existsSync(join(root, 'src/viewer/page'))) {
    cpSync(join(root, 'src/viewer/page'), join(dist, 'viewer/page'), { recursive: true })
  }
  for (const file of ['cli.js', 'watchpost.cjs']) chmodSync(join(dist, file), 0o755)
  writeFileSync(mark, wanted)
}

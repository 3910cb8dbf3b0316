/** The rules of the house as a function of the sources, so that a test can show each rule catching its breach. */

export interface SourceFile {
  /** From the top of the project, with `/`. */
  readonly path: string
  readonly text: string
}

/** A folder may import its own files and those of lower rank; features have one rank and never import each other. */
const ranks: Readonly<Record<string, number>> = {
  base: 0,
  format: 1,
  config: 1,
  capture: 2,
  buffer: 2,
  uplink: 2,
  console: 2,
  health: 2,
  reader: 2,
  viewer: 2,
  adapters: 3,
  'app.ts': 3,
  commands: 4,
  'cli.ts': 5,
  demo: 5,
}
/** It knows nothing of Watchpost and Watchpost nothing of it, except where it is started. */
const standAlone = 'oss-server'
const mayStartIt = new Set(['commands', 'demo'])

/** Folders that may touch the machine: files, sockets, timers, the terminal. */
const outside = new Set(['adapters', 'commands', 'cli.ts', 'demo', standAlone])
const hardwareAndCloud = /^(onoff|serialport|@serialport\/.*|level|classic-level|ali-oss|node-cron)$/
/** Node modules that compute and touch nothing. */
const harmless = /^node:(zlib|util|buffer|url|path|assert|events)$/

const banned: readonly (readonly [RegExp, string])[] = [
  [/\bDate\.now\(|\bnew Date\(\)/, 'asks for the time; take a `Clock` (base/clock.ts)'],
  [/\bsetTimeout\(|\bsetInterval\(|\bsetImmediate\(/, 'starts a timer; take a `Clock` and `sleep`'],
  [/\bMath\.random\(/, 'throws dice; take a `Random` (base/random.ts)'],
  [/\bprocess\.(env|hrtime|exit|stdout|stderr|kill)\b/, 'touches the process; that belongs to adapters and commands'],
  [/\bconsole\./, 'writes to the terminal; take a `Logger` (base/log.ts)'],
]

const fileLinesMax = 300

export function breaches(files: readonly SourceFile[]): string[] {
  return files.flatMap((file) => [...importBreaches(file), ...callBreaches(file), ...lengthBreaches(file)])
}

const folderOf = (path: string): string => path.replace(/^src\//, '').split('/')[0] ?? ''

function importBreaches(file: SourceFile): string[] {
  const own = folderOf(file.path)
  const found: string[] = []
  for (const [, target = ''] of file.text.matchAll(/(?:from|import)\s*\(?\s*'([^']+)'/g)) {
    if (!target.startsWith('.')) {
      if (hardwareAndCloud.test(target) && own !== 'adapters') {
        found.push(`${file.path} imports ${target}: packages of hardware and cloud belong to src/adapters`)
      } else if (target.startsWith('node:') && !harmless.test(target) && !outside.has(own)) {
        found.push(`${file.path} imports ${target}: what touches the machine belongs to src/adapters`)
      }
      continue
    }
    const path = new URL(target, `file:///${file.path}`).pathname.slice(1)
    const other = folderOf(path)
    if (other === own) continue
    if (own === standAlone) found.push(`${file.path} imports ${path}: the stand-in shares no code with the recorder`)
    else if (other === standAlone) {
      if (!mayStartIt.has(own))
        found.push(`${file.path} imports ${path}: only commands and the demo start the stand-in`)
    } else if (!mayImport(own, other)) {
      found.push(`${file.path} imports ${path}: ${own} may not import ${other}; declare the port it needs`)
    }
  }
  return found
}

function mayImport(own: string, other: string): boolean {
  const from = ranks[own]
  const to = ranks[other]
  if (from === undefined || to === undefined) return false
  return to < from
}

function callBreaches(file: SourceFile): string[] {
  if (outside.has(folderOf(file.path))) return []
  const code = file.text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|\s)\/\/.*$/gm, '')
  return banned.filter(([call]) => call.test(code)).map(([, why]) => `${file.path} ${why}`)
}

function lengthBreaches(file: SourceFile): string[] {
  const lines = file.text.split('\n').length - 1
  return lines > fileLinesMax
    ? [`${file.path} has ${lines} lines; which two things does it do? (${fileLinesMax} at most)`]
    : []
}

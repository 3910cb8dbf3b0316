/**
 * The one way in: `npm run demo`, `npm test` and their kin come through here. It makes sure that what the verb needs is
 * there (packages, system programs, a build), says what it does, and then runs the verb.
 *
 * Written in the syntax of 2009 on purpose: an old Node must reach the sentence that says it is too old.
 */
/* eslint-disable no-var */
'use strict'

var path = require('path')
var fs = require('fs')
var childProcess = require('child_process')

var root = path.join(__dirname, '..')
var leastNode = [20, 19]

/** Programs a verb needs: how to see that one is there, and Debian's packages that bring it. */
var programs = JSON.parse(fs.readFileSync(path.join(__dirname, 'programs.json'), 'utf8'))

/** What each verb needs and runs. `node` runs our build, `vitest` the tests of one tier. */
var verbs = {
  demo: { programs: ['ffmpeg'], build: true, run: [['node', 'dist/demo/demo.js']] },
  test: {
    programs: ['ffmpeg', 'rtsp-server', 'openssl', 'perl', 'systemd-analyze'],
    build: true,
    run: [
      ['node', 'scripts/check.mjs'],
      ['vitest', 'test/vitest.config.ts'],
    ],
  },
  'test:long': { programs: ['ffmpeg', 'rtsp-server'], build: true, run: [['vitest', 'test/long/vitest.config.ts']] },
  'test:browser': { programs: ['ffmpeg', 'chromium'], build: true, run: [['vitest', 'test/browser/vitest.config.ts']] },
  'test:device': { programs: ['ffmpeg'], build: true, run: [['vitest', 'test/device/vitest.config.ts']] },
  bench: { programs: ['ffmpeg'], build: true, run: [['node', 'scripts/compiled.mjs', 'bench']] },
  sim: { programs: [], build: false, run: [['node', 'scripts/compiled.mjs', 'sim']] },
  chaos: { programs: ['ffmpeg'], build: true, run: [['node', 'scripts/compiled.mjs', 'chaos']] },
}

function say(text) {
  process.stdout.write(text + '\n')
}

function fail(text) {
  process.stderr.write(text + '\n')
  process.exit(1)
}

function checkNode() {
  var version = process.versions.node.split('.').map(Number)
  if (version[0] > leastNode[0] || (version[0] === leastNode[0] && version[1] >= leastNode[1])) return
  fail(
    'Watchpost needs Node.js ' +
      leastNode.join('.') +
      ' or newer (20, 22 and 24 are tested); this is ' +
      process.versions.node +
      '.\nInstall a newer one, for instance from https://nodejs.org, and run this again.',
  )
}

/** Runs a command with its output shown; ends this program with its exit code if it fails. */
function run(command, args, options) {
  var settings = { cwd: root, stdio: 'inherit', env: Object.assign({}, process.env, (options || {}).env) }
  var done = childProcess.spawnSync(command, args, settings)
  if (done.error) fail('Could not start ' + command + ': ' + done.error.message + '.')
  if (done.signal) process.exit(130)
  if (done.status !== 0) {
    if ((options || {}).sentence) fail(options.sentence)
    process.exit(done.status)
  }
}

/** `npm ci`, when `node_modules` is missing or was made from another lock file. */
function installPackages(mayInstall) {
  var lock = fs.readFileSync(path.join(root, 'package-lock.json'), 'utf8')
  var mark = path.join(root, 'node_modules', '.watchpost-lock')
  var made = fs.existsSync(mark) ? fs.readFileSync(mark, 'utf8') : ''
  if (made === lock) return
  if (!mayInstall) fail('The npm packages are missing or out of date. Run: npm ci')
  say('Installing the npm packages (npm ci) …')
  run('npm', ['ci', '--no-fund', '--no-audit', '--loglevel=error'], {
    sentence: 'npm ci failed: see its words above. Nothing else was changed; run this again when that is mended.',
  })
  fs.writeFileSync(mark, lock)
}

function isThere(program) {
  return program.any.some((file) => {
    if (file.charAt(0) === '/') return matches(file)
    return (process.env.PATH || '')
      .split(path.delimiter)
      .some((folder) => folder !== '' && fs.existsSync(path.join(folder, file)))
  })
}

/** True if the path exists; one `*` stands for one folder name. */
function matches(file) {
  var star = file.indexOf('*')
  if (star === -1) return fs.existsSync(file)
  var before = path.dirname(file.slice(0, star + 1))
  if (!fs.existsSync(before)) return false
  var rest = file.slice(star + 1)
  return fs.readdirSync(before).some((name) => fs.existsSync(path.join(before, name) + rest))
}

/** Installs Debian packages as root; otherwise names the one command that does. */
function installPrograms(names, mayInstall) {
  var missing = names.filter((name) => !isThere(programs[name]))
  if (missing.length === 0) return
  var packages = missing.reduce((all, name) => all.concat(programs[name].debian), [])
  var command = 'apt-get install -y --no-install-recommends ' + packages.join(' ')
  var what = missing.join(' and ')
  var haveApt = isThere({ any: ['apt-get'] })
  if (!haveApt) fail('Missing: ' + what + '. Install it with the package manager of this system, then run this again.')
  if (!mayInstall || !process.getuid || process.getuid() !== 0) {
    fail('Missing: ' + what + '. One command brings it, then run this again:\n  sudo ' + command)
  }
  say('Installing ' + what + ' (' + command + ') …')
  var env = { DEBIAN_FRONTEND: 'noninteractive' }
  run('apt-get', ['update', '-qq'], { env: env, sentence: 'apt-get update failed: see above.' })
  run('apt-get', command.split(' ').slice(1).concat(['-qq']), {
    env: env,
    sentence: 'The system packages could not be installed: see above. The command was:\n  ' + command,
  })
}

function main() {
  checkNode()
  var name = process.argv[2]
  var verb = verbs[name]
  if (!verb) fail('Usage: node scripts/start.cjs ' + Object.keys(verbs).join('|') + ' [--no-install] [options]')
  var given = process.argv.slice(3)
  var rest = given.filter((word) => word !== '--no-install')
  var mayInstall = rest.length === given.length
  installPackages(mayInstall)
  installPrograms(verb.programs, mayInstall)
  if (verb.build) run(process.execPath, ['scripts/build.mjs'])
  verb.run.forEach((step, index) => {
    var last = index === verb.run.length - 1
    var extra = last ? rest : []
    if (step[0] === 'node') run(process.execPath, step.slice(1).concat(extra))
    else run(process.execPath, ['node_modules/vitest/vitest.mjs', 'run', '--config', step[1]].concat(extra))
  })
}

main()

/**
 * The tables of the READMEs are the code's tables. After a change of settings, commands, report fields or error codes run
 * `UPDATE_DOCS=1 npx vitest run --config test/vitest.config.ts test/tidy/docs` to write them anew.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { commandTable } from '../../src/commands/program.ts'
import { settingsTable } from '../../src/config/settings-table.ts'
import { reportTable } from '../../src/format/report-record.ts'
import { storeErrorTable } from '../../src/uplink/store-codes.ts'

const tables: readonly (readonly [name: string, readme: string, make: () => string])[] = [
  ['settings', 'README.md', settingsTable],
  ['commands', 'README.md', commandTable],
  ['report', 'README.md', reportTable],
  ['store errors', 'src/uplink/README.md', storeErrorTable],
]

test.each(tables)('the table of %s in %s is the one in the code', (name, path, make) => {
  const readme = fileURLToPath(new URL(`../../${path}`, import.meta.url))
  const text = readFileSync(readme, 'utf8')
  const [begin, end] = [`<!-- table: ${name} -->\n`, `<!-- end: ${name} -->`]
  const [before, rest] = text.split(begin)
  const [old, after] = rest?.split(end) ?? []
  const wanted = `${make().trim()}\n`
  if (process.env.UPDATE_DOCS === '1' && before !== undefined && after !== undefined) {
    writeFileSync(readme, before + begin + wanted + end + after)
    return
  }
  expect(old).toBe(wanted)
})

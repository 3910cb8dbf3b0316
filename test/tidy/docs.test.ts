/**
 * The README's tables are the code's tables. After a change of settings, commands or report fields run
 * `UPDATE_DOCS=1 npx vitest run --config test/vitest.config.ts test/tidy/docs` to write them anew.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { commandTable } from '../../src/commands/program.ts'
import { settingsTable } from '../../src/config/settings-table.ts'
import { reportTable } from '../../src/format/report-record.ts'

const readme = fileURLToPath(new URL('../../README.md', import.meta.url))
const tables = { settings: settingsTable, commands: commandTable, report: reportTable }

test.each(Object.entries(tables))('the table of %s in the README is the one in the code', (name, make) => {
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

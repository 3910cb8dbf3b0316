/** The settings as a table in Markdown, for the README. A test compares the README with it. */
import { type Field, fields } from './field-table.ts'

export function settingsTable(): string {
  const head = ['| setting | what it is for | it must be | default | a change |', '|---|---|---|---|---|']
  return `${[...head, ...fields.map(row)].join('\n')}\n`
}

function row(field: Field): string {
  const kinds = field.kinds === undefined ? '' : ` (${field.kinds.join(', ')})`
  const standard = field.defaultText === undefined ? (field.required ? 'required' : '–') : `\`${field.defaultText}\``
  const effect = field.effect === 'live' ? 'live' : 'restarts its loop'
  const accepted = `${field.accepted}${field.secret ? ' (secret)' : ''}`
  const cells = [`\`${field.path}\`${kinds}`, field.help, accepted, standard, effect]
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
}

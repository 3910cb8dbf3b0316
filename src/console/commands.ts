/**
 * What may be typed at the console: one table, from which `help` is made too.
 *
 * Settings are changed in a candidate, a text of its own, and reach the file in one step with `commit`. No answer holds
 * a secret.
 */
import { setSetting, settingsDiff, shownSettings, unsetSetting } from '../config/edit.ts'
import { fieldAt } from '../config/field-table.ts'
import { nearest } from '../config/nearest.ts'
import { parseSettings } from '../config/parse-settings.ts'
import { asStatus, type ConsoleWorld } from './console-world.ts'
import { statusText } from './status-text.ts'

/** What a person has begun. Ends with the session. */
export interface Session {
  /** The settings file as it was when the first change was made, and the text with the changes. */
  candidate: { readonly base: string; readonly text: string } | undefined
  /** Set by `exit` while changes wait; the second `exit` leaves them. */
  warned: boolean
}

export const newSession = (): Session => ({ candidate: undefined, warned: false })

export interface Answer {
  /** Lines parted by a line feed; '' for none. */
  readonly text: string
  readonly end: boolean
}

interface ConsoleCommand {
  readonly name: string
  readonly usage: string
  readonly help: string
  /** @param rest what stands behind the command's name, trimmed */
  run(rest: string, session: Session, world: ConsoleWorld): Promise<string>
}

const commands: readonly ConsoleCommand[] = [
  { name: 'help', usage: 'help [COMMAND|SETTING]', help: 'this list, or more about one thing', run: help },
  { name: 'status', usage: 'status', help: 'what the recorder is doing', run: status },
  { name: 'show', usage: 'show [SETTING]', help: 'settings in force, with your changes', run: show },
  { name: 'set', usage: 'set SETTING VALUE', help: 'change a setting; nothing happens before commit', run: set },
  { name: 'unset', usage: 'unset SETTING', help: 'take a setting out, so that its default holds', run: unset },
  { name: 'diff', usage: 'diff', help: 'what commit would change', run: diff },
  { name: 'commit', usage: 'commit', help: 'check your changes, save them, and tell the recorder', run: commit },
  { name: 'rollback', usage: 'rollback', help: 'forget your changes', run: rollback },
  { name: 'log', usage: 'log [LINES]', help: 'the last lines of the log', run: log },
  { name: 'version', usage: 'version', help: 'versions of recorder and console', run: version },
  { name: 'exit', usage: 'exit', help: 'end this session', run: async () => '' },
]

/** Obeys one line. */
export async function answerLine(line: string, session: Session, world: ConsoleWorld): Promise<Answer> {
  const [, name = '', rest = ''] = /^\s*(\S*)\s*(.*?)\s*$/s.exec(line) ?? []
  if (name === '') return { text: '', end: false }
  if (name === 'exit') return leave(session)
  session.warned = false
  const command = commands.find((known) => known.name === name)
  if (command !== undefined) return { text: await command.run(rest, session, world), end: false }
  const near = nearest(
    name.slice(0, 20),
    commands.map((known) => known.name),
  )
  const guess = near === undefined ? 'help lists them.' : `did you mean ${near}?`
  return { text: `There is no such command; ${guess}`, end: false }
}

/**
 * Must the next character be hidden? Behind `set SETTING ` it is, unless the setting is known and no secret; and behind
 * any other word if a secret setting follows, since that is a mistyped `set`.
 */
export function hidesNext(lineSoFar: string): boolean {
  const [, word = '', path] = /^\s*(\S+)\s+(\S+)\s/.exec(lineSoFar) ?? []
  if (path === undefined) return false
  const field = fieldAt(path.replace(/\[\d{1,3}\]/g, '[]'))
  return field === undefined ? word.toLowerCase() === 'set' : field.secret
}

function leave(session: Session): Answer {
  if (session.candidate === undefined || session.warned) return { text: 'Goodbye.', end: true }
  session.warned = true
  return { text: 'Your changes are not committed. Commit them, or type exit again to forget them.', end: false }
}

async function help(rest: string): Promise<string> {
  if (rest === '') {
    return commands.map(({ usage, help: words }) => `  ${usage.padEnd(24)}${words}`).join('\n')
  }
  const command = commands.find((known) => known.name === rest)
  if (command !== undefined) return `${command.usage}: ${command.help}.`
  const field = fieldAt(rest.replace(/\[\d{1,3}\]/g, '[]'))
  if (field === undefined) return `There is no command and no setting of this name; help and show list them.`
  const standard =
    field.defaultText === undefined
      ? field.required
        ? 'It must be there'
        : 'It may be left out'
      : `Default: ${field.defaultText}`
  const effect = field.effect === 'live' ? 'A change is felt at once' : 'A change restarts what uses it'
  return [
    field.help,
    `It must be ${field.accepted}.`,
    `${standard}. ${effect}.${field.secret ? ' It is never shown.' : ''}`,
  ].join('\n')
}

async function status(_rest: string, _session: Session, world: ConsoleWorld): Promise<string> {
  const answer = await world.ask({ do: 'status' })
  if (!answer.ok) return answer.error
  const known = asStatus(answer.value)
  return known === undefined
    ? 'The recorder is of another version than this console; its status cannot be shown.'
    : statusText(known)
}

async function show(rest: string, session: Session, world: ConsoleWorld): Promise<string> {
  const text = await current(session, world)
  if (!text.ok) return text.error
  const shown = shownSettings(text.value, rest)
  if (!shown.ok) return shown.error
  return shown.value
    .map(({ path, text: value, origin }) => `${path} = ${value}${origin === 'default' ? '  (default)' : ''}`)
    .join('\n')
}

async function set(rest: string, session: Session, world: ConsoleWorld): Promise<string> {
  const [, path = '', value = ''] = /^(\S*)\s*(.*)$/s.exec(rest) ?? []
  if (path === '' || value === '') return 'Type: set SETTING VALUE, such as: set site.timeZone Europe/Berlin'
  const text = await current(session, world)
  if (!text.ok) return text.error
  return change(session, text.value, setSetting(text.value, path, value))
}

async function unset(rest: string, session: Session, world: ConsoleWorld): Promise<string> {
  if (rest === '') return 'Type: unset SETTING'
  const text = await current(session, world)
  if (!text.ok) return text.error
  return change(session, text.value, unsetSetting(text.value, rest))
}

function change(session: Session, before: string, changed: ReturnType<typeof setSetting>): string {
  if (!changed.ok) return changed.error
  session.candidate = { base: session.candidate?.base ?? before, text: changed.value }
  return ''
}

async function diff(_rest: string, { candidate }: Session): Promise<string> {
  if (candidate === undefined) return 'Nothing is changed.'
  const lines = settingsDiff(candidate.base, candidate.text)
  return lines.length === 0 ? 'Nothing is changed.' : lines.join('\n')
}

async function commit(_rest: string, session: Session, world: ConsoleWorld): Promise<string> {
  const { candidate } = session
  if (candidate === undefined) return 'Nothing is changed; there is nothing to commit.'
  const checked = parseSettings(candidate.text)
  if (!checked.ok) {
    return [
      'Nothing is saved, since the settings would not be right:',
      ...checked.error.map((one) => `- ${one.message}`),
    ].join('\n')
  }
  const file = await world.readSettings()
  if (!file.ok) return file.error
  if (file.value !== candidate.base) {
    return 'Nothing is saved: somebody else has changed the file meanwhile. Type rollback and make your changes again.'
  }
  const saved = await world.saveSettings(candidate.text)
  if (!saved.ok) return saved.error
  session.candidate = undefined
  const reload = await world.ask({ do: 'reload' })
  if (!reload.ok) return `Saved; the settings hold from the recorder's next start. ${reload.error}`
  const reply = reload.value
  const words = typeof reply === 'object' && reply !== null && 'message' in reply ? ` ${String(reply.message)}` : ''
  return `Saved.${words}`
}

async function rollback(_rest: string, session: Session): Promise<string> {
  if (session.candidate === undefined) return 'Nothing is changed; there is nothing to forget.'
  session.candidate = undefined
  return 'Your changes are forgotten.'
}

async function log(rest: string, _session: Session, world: ConsoleWorld): Promise<string> {
  const lines = rest === '' ? 20 : Number(rest)
  if (!Number.isInteger(lines) || lines < 1 || lines > 200) return 'Type: log LINES, with 1 to 200 lines.'
  const answer = await world.ask({ do: 'log', lines })
  if (!answer.ok) return answer.error
  const reply = answer.value
  const found = typeof reply === 'object' && reply !== null && 'lines' in reply ? reply.lines : undefined
  return Array.isArray(found) && found.length > 0 ? found.map(String).join('\n') : 'The log is empty.'
}

async function version(_rest: string, _session: Session, world: ConsoleWorld): Promise<string> {
  const answer = await world.ask({ do: 'version' })
  const reply = answer.ok ? answer.value : undefined
  const running =
    typeof reply === 'object' && reply !== null && 'version' in reply ? String(reply.version) : 'not running'
  return `console ${world.version}, recorder ${running}`
}

async function current(session: Session, world: ConsoleWorld): ReturnType<ConsoleWorld['readSettings']> {
  return session.candidate === undefined ? world.readSettings() : { ok: true, value: session.candidate.text }
}

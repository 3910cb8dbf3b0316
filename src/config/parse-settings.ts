/** A settings file's text in, settings or everything that is wrong with it out. */
import { err, ok, type Result } from '../base/result.ts'
import { crossChecks } from './cross-checks.ts'
import { pathText } from './field-path.ts'
import { problemsOfIssues, type RawProblem, type SettingsProblem, withLine } from './problems.ts'
import { type Settings, settingsSchema } from './settings.ts'
import { readSettingsText, type SettingsText } from './settings-text.ts'

export function parseSettings(text: string): Result<Settings, SettingsProblem[]> {
  const read = readSettingsText(text)
  return read.ok ? checkSettings(read.value) : read
}

export function checkSettings({ data, lineOf }: SettingsText): Result<Settings, SettingsProblem[]> {
  const parsed = settingsSchema.safeParse(data)
  const ofFields = parsed.success ? [] : problemsOfIssues(parsed.error.issues, data)
  const told = new Set(ofFields.map((problem) => pathText(problem.parts)))
  const ofRules = crossChecks(data).filter((problem) => !told.has(pathText(problem.parts)))
  const problems = [...ofFields, ...ofRules].map((problem: RawProblem) => withLine(problem, lineOf(problem.parts)))
  if (parsed.success && problems.length === 0) return ok(parsed.data)
  // In the order of the file; what is missing comes last.
  return err(problems.sort((a, b) => (a.line ?? Number.MAX_SAFE_INTEGER) - (b.line ?? Number.MAX_SAFE_INTEGER)))
}

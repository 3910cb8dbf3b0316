/** What a failing seed says of itself, short enough to be read: what the world did, what lives began and ended, what was found. */
const linesMax = 60
const requestPattern = /^ *[\d.]+ {2}(?:inspect|append|read) /

/** At most 60 lines; requests go first, then the beginning. */
export function shortStory(history: readonly string[]): string[] {
  const events = history.filter((line) => !requestPattern.test(line))
  const all = events.length < linesMax / 2 ? history : events
  const cut = all.length > linesMax ? [`(${all.length - linesMax + 1} lines before)`, ...all.slice(1 - linesMax)] : all
  return cut.map((line) => (line.length > 240 ? `${line.slice(0, 239)}…` : line))
}

/** What `watchpost verify` prints: for people as it goes, and a last line that says it all; for programs as JSON. Pure. */
import { findingJson } from './findings.ts'
import { bytesText, gapJson, gapSentence } from './list-text.ts'
import type { VerifyReport } from './verify.ts'
import type { VerifiedObject } from './verify-object.ts'

/** One object: a line, and a line for each finding. */
export function objectText(object: VerifiedObject): string {
  const facts = [
    object.units > 0 ? `${object.units} ${object.key.endsWith('.jsonl') ? 'lines' : 'units'}` : '',
    bytesText(object.bytes),
    `CRC-64 ${object.crc64}`,
    object.decoded ? 'decoded' : '',
    object.cutByRule > 0 ? `${object.cutByRule} units cut within a long GOP` : '',
    object.unpublishedBytes > 0 ? `${object.unpublishedBytes} bytes not published yet` : '',
  ].filter((fact) => fact !== '')
  const head = `${object.findings.length === 0 ? 'ok     ' : 'FOUND  '}${object.key}  ${facts.join(', ')}\n`
  return head + object.findings.map((finding) => `       ${finding.kind}: ${finding.sentence}\n`).join('')
}

/** After all objects: what lies between them, gaps, and the verdict. */
export function summaryText(report: VerifyReport, zone: string): string {
  const own = new Set(report.objects.flatMap((object) => object.findings))
  const between = report.findings.filter((finding) => !own.has(finding))
  const lines = between.map((finding) => `FOUND  ${finding.kind}: ${finding.sentence}\n`)
  for (const gap of report.gaps) lines.push(`gap    ${gapSentence(gap, zone)}\n`)
  return `${lines.join('')}${verdict(report)}\n`
}

function verdict({ objects, gaps, findings }: VerifyReport): string {
  if (objects.length === 0 && findings.length === 0) {
    return 'nothing to verify: no object was found. See what there is with "watchpost list".'
  }
  const units = objects.reduce((sum, object) => sum + object.units, 0)
  const bytes = objects.reduce((sum, object) => sum + object.bytes, 0)
  const counts = `${plural(objects.length, 'object')}, ${plural(units, 'unit')}, ${bytes} bytes`
  const named = gaps.length === 0 ? 'no gaps' : `${plural(gaps.length, 'gap')}, each with its cause`
  if (findings.length === 0) return `verified: ${counts}, CRC-64 equal, ${named}`
  return `NOT verified: ${counts}, ${named}, ${plural(findings.length, 'finding')}`
}

export const reportJson = (report: VerifyReport): unknown => ({
  exitCode: report.exitCode,
  objects: report.objects.map(({ footage: _, findings, ...object }) => ({
    ...object,
    camera: object.camera ?? null,
    crc64: object.crc64.toString(),
    findings: findings.length,
  })),
  gaps: report.gaps.map(gapJson),
  findings: report.findings.map(findingJson),
})

const plural = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`

/**
 * What does the recorder report of itself? First whether what is owed reaches the archive, then the causes.
 *
 * Pure: two looks at the recorder's status, and what the machine says, make a report. The policy is continuous, so a
 * camera owes every millisecond. How much it gave is estimated here from its units; the exact account, gap by gap, is
 * the catalogue.
 */
import type { MonoMs } from '../base/clock.ts'
import type { CameraReport, ReportRecord, Verdict } from '../format/report-record.ts'
import type { CameraStatus, Status } from '../format/status.ts'
import type { Machine } from './machine.ts'

/** The recorder at one moment. */
export interface Look {
  readonly at: MonoMs
  readonly status: Status
}

export interface ReportInput {
  readonly now: Look
  /** What the report before was made from; `undefined` for the first one of this process. */
  readonly before: Look | undefined
  readonly machine: Machine
  readonly reason: ReportRecord['reason']
  /** It comes well after its time. */
  readonly late: boolean
}

/** Less than this part of what is owed, and footage is missing: a camera that restarts once an hour loses 0.3 %. */
const enoughCaptured = 0.98
/** Footage that waits longer than this is behind: an upload in order takes seconds. */
const behindMs = 5 * 60_000
/** Within so short a time after a start nothing can be expected. */
const settleMs = 30_000
/** Boards slow down from 80 °C. Source: Raspberry Pi, "Frequency management and thermal control". */
const hotC = 80

export function makeReport(input: ReportInput): ReportRecord {
  const { now, before, machine } = input
  const { status } = now
  const intervalMs = before === undefined ? status.processUptimeMs : now.at - before.at
  const since = (value: number, earlier: number | undefined): number => Math.max(0, value - (earlier ?? 0))
  const cameras = status.cameras.map((camera) => cameraReport(camera, before, intervalMs))
  const buffer = {
    units: status.buffer.units,
    bytes: status.buffer.bytes,
    quotaBytes: status.buffer.quotaBytes,
    oldestUnitAgeMs: whole(status.buffer.oldestUnitAgeMs),
    evictedUnitsSince: since(status.buffer.evictedUnits, before?.status.buffer.evictedUnits),
    evictedBytesSince: since(status.buffer.evictedBytes, before?.status.buffer.evictedBytes),
    problem: status.buffer.problem,
  }
  const uplink = {
    state: status.uplink.state,
    confirmedBytesSince: since(status.uplink.bytesConfirmed, before?.status.uplink.bytesConfirmed),
    backlogBytes: status.uplink.backlogBytes,
    bytesPerS: whole(status.uplink.bytesPerS),
    requestsSince: since(status.uplink.requests, before?.status.uplink.requests),
    failuresSince: since(status.uplink.failures, before?.status.uplink.failures),
    resyncsSince: since(status.uplink.resyncs, before?.status.uplink.resyncs),
    lastConfirmedAgeMs: whole(status.uplink.lastConfirmedAgeMs),
    problem: status.uplink.problem,
  }
  const findings = [
    ...cameras.flatMap((camera) => cameraFinding(camera, intervalMs)),
    ...archiveFindings(buffer, uplink, cameras),
    ...status.inputs.flatMap(({ problem }) => (problem === null ? [] : [behind(problem)])),
    ...repairFindings(status, before?.status),
    ...machineFindings(machine),
    ...clockFindings(status),
  ]
  return {
    v: 1,
    reason: input.reason,
    verdict: worstOf(findings),
    problems: findings.map(({ problem }) => problem),
    device: status.device,
    version: status.version,
    bootCounter: status.bootCounter,
    time: status.time,
    timeErrorMs: whole(status.timeErrorMs),
    monoMs: Math.round(now.at),
    intervalMs: Math.round(intervalMs),
    processUptimeMs: Math.round(status.processUptimeMs),
    late: input.late,
    cameras,
    inputs: status.inputs.map(({ name, active, events, problem }) => ({ name, active, events, problem })),
    buffer,
    uplink,
    machine: { ...machine, uptimeMs: Math.round(machine.uptimeMs), load1: Math.round(machine.load1 * 100) / 100 },
  }
}

function cameraReport(camera: CameraStatus, before: Look | undefined, intervalMs: number): CameraReport {
  const earlier = before?.status.cameras.find(({ name }) => name === camera.name)
  // A camera that was restarted by new settings counts from zero again.
  const whole = earlier === undefined || camera.unitsCaptured < earlier.unitsCaptured
  const unitsSince = camera.unitsCaptured - (whole ? 0 : earlier.unitsCaptured)
  const bytesSince = camera.bytesCaptured - (whole ? 0 : earlier.bytesCaptured)
  return {
    name: camera.name,
    state: camera.state,
    owedMs: Math.round(intervalMs),
    capturedMs: camera.gopMs === null ? null : Math.min(Math.round(unitsSince * camera.gopMs), Math.round(intervalMs)),
    unitsSince,
    bytesSince,
    lastUnitAgeMs: camera.lastUnitAgeMs === null ? null : Math.round(camera.lastUnitAgeMs),
    restarts: camera.restarts,
    problem: camera.problem,
  }
}

interface Finding {
  readonly verdict: Verdict
  readonly problem: string
}
const failing = (problem: string): Finding => ({ verdict: 'failing', problem })
const behind = (problem: string): Finding => ({ verdict: 'behind', problem })
/** Worth knowing, and no reason to say that footage does not arrive. */
const note = (problem: string): Finding => ({ verdict: 'ok', problem })

function worstOf(findings: readonly Finding[]): Verdict {
  const verdicts = findings.map(({ verdict }) => verdict)
  if (verdicts.includes('failing')) return 'failing'
  return verdicts.includes('behind') ? 'behind' : 'ok'
}

function cameraFinding(camera: CameraReport, intervalMs: number): Finding[] {
  const because = camera.problem === null ? '' : ` ${camera.problem}`
  if (intervalMs < settleMs) return camera.problem === null ? [] : [behind(camera.problem)]
  if (camera.unitsSince === 0)
    return [failing(`Camera ${camera.name} gave no footage since the last report.${because}`)]
  if (camera.capturedMs !== null && camera.capturedMs < camera.owedMs * enoughCaptured - settleMs) {
    const missingS = Math.round((camera.owedMs - camera.capturedMs) / 1000)
    return [failing(`Camera ${camera.name} lacks about ${missingS} s since the last report.${because}`)]
  }
  return camera.problem === null ? [] : [behind(camera.problem)]
}

function archiveFindings(
  buffer: ReportRecord['buffer'],
  uplink: ReportRecord['uplink'],
  cameras: readonly CameraReport[],
): Finding[] {
  const found: Finding[] = []
  if (buffer.evictedUnitsSince > 0) {
    found.push(failing(`The disk was full: ${buffer.evictedUnitsSince} units were given up before they were sent.`))
  }
  if (buffer.problem !== null) found.push(failing(buffer.problem))
  if (uplink.state === 'blocked') found.push(failing(uplink.problem ?? 'The uplink is blocked.'))
  else if (uplink.problem !== null) found.push(behind(uplink.problem))
  if ((buffer.oldestUnitAgeMs ?? 0) > behindMs) {
    const minutes = Math.round((buffer.oldestUnitAgeMs ?? 0) / 60_000)
    found.push(behind(`The oldest footage has been waiting for ${minutes} minutes to be sent.`))
  } else if (uplink.confirmedBytesSince === 0 && cameras.some(({ capturedMs }) => (capturedMs ?? 0) > behindMs)) {
    found.push(behind('Nothing reached the store since the last report.'))
  }
  return found
}

/** Said once, in the first report after it was done: what was lost with it is in the catalogue, gap by gap. */
const repairFindings = (now: Status, before: Status | undefined): Finding[] =>
  now.buffer.repairs.filter((sentence) => before?.buffer.repairs.includes(sentence) !== true).map(note)

function machineFindings(machine: Machine): Finding[] {
  const found: Finding[] = []
  if (machine.underVoltage === true) found.push(note('The power supply is too weak: below 4.63 V.'))
  if (machine.temperatureC !== null && machine.temperatureC >= hotC) {
    found.push(note(`The board is at ${Math.round(machine.temperatureC)} °C and slows down; it needs air.`))
  }
  return found
}

const clockFindings = (status: Status): Finding[] =>
  status.time === null ? [note('The time is not known yet: the store was not heard since the machine started.')] : []

const whole = (value: number | null): number | null => (value === null ? null : Math.round(value))

/** A recorder and a machine that are well, to change in one place or another. */
import type { CameraStatus, Status } from '../../src/format/status.ts'
import type { Machine } from '../../src/health/machine.ts'

export const goodCamera: CameraStatus = {
  name: 'gate',
  state: 'recording',
  problem: null,
  codec: 'h264',
  width: 1920,
  height: 1080,
  framesPerS: 25,
  bitsPerS: 4_000_000,
  gopMs: 1000,
  restarts: 0,
  unitsCaptured: 3600,
  bytesCaptured: 1_800_000_000,
  lastUnitAgeMs: 412.4,
}

export const goodStatus: Status = {
  device: 'recorder-1',
  version: '0.1.0',
  bootCounter: 7,
  processUptimeMs: 3_600_000,
  time: '2026-11-23T15:00:00.000Z',
  timeErrorMs: 12.3,
  cameras: [goodCamera],
  inputs: [{ name: 'pir-gate', active: false, problem: null, events: 4 }],
  buffer: {
    units: 3,
    bytes: 1_500_000,
    oldestUnitAgeMs: 2_900.7,
    quotaBytes: 10_000_000_000,
    freeBytes: 20_000_000_000,
    memoryBytes: 0,
    spilledBytes: 0,
    protectedBytes: 0,
    repairs: [],
    evictedUnits: 0,
    evictedBytes: 0,
    problem: null,
  },
  uplink: {
    state: 'sending',
    problem: null,
    bytesConfirmed: 1_799_000_000,
    bytesPerS: 1_250_000.5,
    backlogBytes: 1_500_000,
    requests: 3600,
    failures: 2,
    resyncs: 2,
    lastConfirmedAgeMs: 300,
    objects: [],
  },
}

export const goodMachine: Machine = {
  uptimeMs: 7_200_000.5,
  load1: 0.4249,
  cpus: 4,
  memoryBytes: 1_000_000_000,
  memoryAvailableBytes: 600_000_000,
  processBytes: 120_000_000,
  diskBytes: 30_000_000_000,
  diskFreeBytes: 20_000_000_000,
  temperatureC: 51.2,
  underVoltage: false,
}

/** The closing table of a run of chaos. Pure. */
import type { ChaosResult } from './run-chaos.ts'

const mb = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`

export function tableOf(result: ChaosResult): string {
  const { store, cameras } = result
  const faults = Object.entries(store.faults).filter(([, count]) => count > 0)
  const rows: [string, string][] = [
    ...[...result.happened].map(([name, count]): [string, string] => [name, `${count}`]),
    ['recorder', `${result.starts} starts, ${result.kills} kills`],
    ...cameras.map((camera): [string, string] => [
      `camera ${camera.camera}`,
      `${camera.units} units (${mb(camera.bytes)}) proven, ${camera.frames} frames; kills cost ${camera.interrupted} units, ` +
        `the oldest ${(camera.interruptedMsMax / 1000).toFixed(1)} s before; ${camera.givenUp} given up for a full disk`,
    ]),
    ['gaps in the catalogue', listed(Object.entries(result.gaps))],
    ['lines in the store', `${result.lines}`],
    ['requests', `${store.requests} (${listed(Object.entries(store.byOperation).filter(([, count]) => count > 0))})`],
    ['received by the store', `${mb(store.bytesReceived)} for ${mb(result.storedBytes)} stored`],
    ['faults of the store', listed(faults)],
    ['connections', `${result.connections}`],
    ['most that waited', mb(result.backlogBytesMax)],
    ['most memory', mb(result.residentBytesMax)],
    ['drained in', `${(result.drainMs / 1000).toFixed(1)} s`],
  ]
  const width = Math.max(...rows.map(([name]) => name.length))
  return `\n${rows.map(([name, text]) => `  ${name.padEnd(width)}  ${text}`).join('\n')}\n`
}

const listed = (entries: readonly (readonly [string, number])[]): string =>
  entries.length === 0 ? 'none' : entries.map(([name, count]) => `${name} ${count}`).join(', ')

import { describe, expect, test } from 'vitest'
import { bytesText, notRunningText, spanText, statusText } from '../../src/console/status-text.ts'
import { status } from '../support/status.ts'

describe('the status block', () => {
  test('says everything in 80 columns', () => {
    expect(statusText(status).split('\n')).toEqual([
      'gate-1  2026-11-23 15:00:00 UTC  up 3 h 12 min  boot 7  version 0.1.0',
      'camera    gate: recording  H.264 1280x720 25 fps GOP 1 s 2.1 Mbit/s',
      '          11520 units, 3 GB, last 0.4 s ago, 1 restart',
      'camera    yard: waiting',
      '          0 units, 0 B, no picture yet',
      "          ! Camera 'yard' sends H.265, which this recorder does not take. Set",
      "          H.264 in the camera's own settings, then it starts by itself.",
      'input     pir-gate: at rest, 3 events',
      'input     door: not read yet, 0 events',
      '          ! There is no GPIO chip with the label pinctrl-rp1.',
      'buffer    12 units, 3.1 MB of 10 GB, oldest 12 s, 24 GB free',
      '          lost for want of space: 2 units, 524 kB',
      'uplink    sending  262 kB/s, 3.1 MB to send, 3 GB confirmed, last 1.2 s ago',
      '          11600 requests, 3 failures, 2 resyncs',
      'object      262 MB  …e-1/gate/2026/11/23/15/20261123T150000.120Z-0123456789ab.ts',
    ])
  })

  test('stays within 80 columns and a bounded number of lines, whatever the names', () => {
    const long = 'x'.repeat(300)
    const [camera] = status.cameras
    const [object] = status.uplink.objects
    const text = statusText({
      ...status,
      device: long,
      time: null,
      cameras: camera === undefined ? [] : [{ ...camera, name: long, problem: `${long} and more` }],
      uplink: {
        ...status.uplink,
        problem: long,
        objects: object === undefined ? [] : Array(20).fill({ ...object, key: long }),
      },
    })
    for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(80)
    expect(text).toContain('and 14 more')
    expect(text.split('\n').length).toBeLessThan(30)
  })

  test('has a block for nobody', () => {
    expect(notRunningText('The recorder is not running.')).toBe('The recorder is not running.')
  })

  test.each([
    [0, '0 s'],
    [400, '0.4 s'],
    [9_940, '9.9 s'],
    [9_960, '10 s'],
    [59_400, '59 s'],
    [59_600, '1 min'],
    [200_000, '3 min 20 s'],
    [3_600_000, '1 h'],
    [90_000_000, '1 d 1 h'],
    [-5, '0 s'],
  ])('%d ms are %s', (ms, text) => expect(spanText(ms)).toBe(text))

  test.each([
    [0, '0 B'],
    [999, '999 B'],
    [1000, '1 kB'],
    [4_240_000, '4.2 MB'],
    [9_960_000, '10 MB'],
    [999_999, '1 MB'],
    [10e9, '10 GB'],
    [-1, '0 B'],
  ])('%d bytes are %s', (bytes, text) => expect(bytesText(bytes)).toBe(text))
})

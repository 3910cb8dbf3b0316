/**
 * Settings of a camera: one group per kind, told apart by `kind`. A new kind of camera is a new group here and a new
 * way to make its process in `capture`.
 */
import * as z from 'zod'
import { choiceOr, commandLine, item, kindWord, numberOr, secretText, text, yesOrNo } from './field.ts'
import { nameRule, pathRule, rtspRule } from './text-rules.ts'

export const cameraKinds = ['test', 'file', 'rtsp', 'command'] as const
/** Known words, so that the answer is not "unknown" but "not yet". */
export const laterCameraKinds: readonly string[] = ['rpicam', 'v4l2']
export const camerasMax = 16

const kind = <const K extends (typeof cameraKinds)[number]>(word: K) =>
  kindWord(word, cameraKinds, {
    effect: 'loop restart',
    help: 'Where the pictures come from: a test pattern, a file in a loop, a network camera, or any command.',
    example: word,
  })

const common = {
  name: text(nameRule, {
    effect: 'loop restart',
    help: "The camera's name; it stands in the name of every recording.",
    example: 'gate',
  }),
  audio: yesOrNo(false, {
    effect: 'loop restart',
    help: 'Whether sound is recorded too; ask first whether the law of your place allows it.',
  }),
}

const testCamera = item({
  name: common.name,
  kind: kind('test'),
  width: numberOr(
    1280,
    { least: 64, most: 3840, unit: 'pixels', whole: true },
    { effect: 'loop restart', help: 'Width of the test picture.' },
  ),
  height: numberOr(
    720,
    { least: 64, most: 2160, unit: 'pixels', whole: true },
    { effect: 'loop restart', help: 'Height of the test picture.' },
  ),
  framesPerS: numberOr(
    25,
    { least: 1, most: 60, unit: 'frames a second', whole: true },
    { effect: 'loop restart', help: 'Pictures a second of the test camera.' },
  ),
  gopS: numberOr(
    1,
    { least: 0.5, most: 10, unit: 'seconds', whole: false },
    { effect: 'loop restart', help: 'Time from keyframe to keyframe; a player is this much behind, and more.' },
  ),
  bitsPerS: numberOr(
    2_000_000,
    { least: 64_000, most: 50_000_000, unit: 'bits a second', whole: true },
    { effect: 'loop restart', help: 'Bit rate that the test camera aims at.' },
  ),
  audio: common.audio,
})

const fileCamera = item({
  name: common.name,
  kind: kind('file'),
  path: text(pathRule, {
    effect: 'loop restart',
    help: 'A video file with H.264, played in real time and in a loop.',
    example: '/var/lib/watchpost-media/yard.mp4',
  }),
  audio: common.audio,
})

const rtspCamera = item({
  name: common.name,
  kind: kind('rtsp'),
  url: text(rtspRule, {
    effect: 'loop restart',
    help: "The camera's address.",
    example: 'rtsp://192.0.2.7:554/stream1',
  }),
  user: secretText({ effect: 'loop restart', help: 'User name at the camera.', example: "'viewer'" }),
  password: secretText({
    effect: 'loop restart',
    help: 'Password at the camera; @ and # need no escape inside quotes.',
    example: "'p@ss#word'",
  }),
  transport: choiceOr('tcp', ['tcp', 'udp'], {
    effect: 'loop restart',
    help: 'How the camera sends; udp loses packets and is for cameras that cannot do tcp.',
  }),
  audio: common.audio,
})

const commandCamera = item({
  name: common.name,
  kind: kind('command'),
  command: commandLine({
    effect: 'loop restart',
    help: 'A program that writes MPEG-TS with H.264 to its standard output until it is ended.',
    example: "['my-camera', '--h264', '--output', '-']",
  }),
  audio: common.audio,
})

export const cameraSchema = z.discriminatedUnion('kind', [testCamera, fileCamera, rtspCamera, commandCamera])

export type CameraSettings = z.output<typeof cameraSchema>

#!/usr/bin/env node
/**
 * The command `watchpost` as it is installed: gives the process enough threads and V8 its first rule, then runs `cli.ts`.
 *
 * Calls to a disk that hangs hold a thread each, and with the four that Node starts with, name look-ups wait behind them.
 * Their number is read when the first of them is needed, which is when the first module is loaded: an ES module is too
 * late to set it (seen with Node 20), so this file is the one CommonJS module of the program. The space for young objects
 * has grown by then, too: set here, the rule of `adapters/heap-growth.ts` saves another 15 MB of memory.
 */
process.env.UV_THREADPOOL_SIZE ??= '16'
if (Number.parseInt(process.versions.v8, 10) <= 12) {
  process.getBuiltinModule('node:v8').setFlagsFromString('--semi-space-growth-factor=1')
}
void import('./cli.ts')

#!/usr/bin/env node
/**
 * The command `watchpost` as it is installed: gives the process enough threads, then runs `cli.ts`.
 *
 * Calls to a disk that hangs hold a thread each, and with the four that Node starts with, name look-ups wait behind them.
 * Their number is read when the first of them is needed, which is when the first module is loaded: an ES module is too
 * late to set it (seen with Node 20), so this file is the one CommonJS module of the program.
 */
process.env.UV_THREADPOOL_SIZE ??= '16'
void import('./cli.ts')

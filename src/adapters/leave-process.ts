/**
 * Ends the process, also when calls to a dead disk or a silent name server hang in the thread pool: `process.exit` waits
 * for those threads, for ever if need be, and neither a timer nor a signal handler runs meanwhile (seen with Node 20). So
 * the pool is looked at first, and a process whose calls do not come back within `busyMsMax` is ended by SIGKILL, from
 * which nothing can hold it back but the kernel. What was to be kept has been written before, or never can be.
 */

/** Names of calls in the thread pool, as Node counts them: files, name look-ups. */
const poolCall = /^(FSReq|FileHandleCloseReq|GetAddrInfo|GetNameInfo)/
/** A healthy disk answers within this time. */
const busyMsMax = 2_000
const lookMs = 20

/** @param otherCalls calls in the thread pool that Node does not count: those of LevelDB */
type OtherCalls = () => number

/** Exit code `code` as soon as no call is out, or the end by SIGKILL (137 for a shell, `signal` for systemd). */
export function leaveProcess(code: number, otherCalls: OtherCalls): void {
  if (!busy(otherCalls)) process.exit(code)
  const since = performance.now()
  const timer = setInterval(() => {
    if (!busy(otherCalls)) process.exit(code)
    if (performance.now() - since < busyMsMax) return
    clearInterval(timer)
    kill()
  }, lookMs)
}

/** The same at once: nothing of the program may run any more. Calls that are out are not waited for. */
export function endProcess(code: number, otherCalls: OtherCalls): void {
  if (busy(otherCalls)) kill()
  process.exit(code)
}

const busy = (otherCalls: OtherCalls): boolean =>
  otherCalls() > 0 || process.getActiveResourcesInfo().some((name) => poolCall.test(name))

function kill(): void {
  process.kill(process.pid, 'SIGKILL')
}

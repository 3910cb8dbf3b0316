/** Which life of the machine is this? The kernel draws a new id at each boot. */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

/**
 * Source: Linux, Documentation/admin-guide/sysctl/kernel.rst, "random"; on macOS `kern.bootsessionuuid` is its like.
 *
 * @throws where neither exists: footage of two boots must never be taken for one
 */
export function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  } catch {
    return execFileSync('sysctl', ['-n', 'kern.bootsessionuuid'], { encoding: 'utf8' }).trim()
  }
}

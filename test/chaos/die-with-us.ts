/** What is started here must not outlive the chaos, however that ends. */
import { spawnSync } from 'node:child_process'

const has = (program: string): boolean => spawnSync(program, ['--version']).error === undefined

/** Stands before a command: the kernel ends it when this process is gone. Empty where there is no such program. */
export const dyingWithUs: readonly string[] = has('setpriv') ? ['setpriv', '--pdeathsig', 'KILL', '--'] : []

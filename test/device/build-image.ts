/** Builds the machine's image before the tests, or finds that nothing has changed. Over a minute the first time. */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

export function setup(): void {
  const script = fileURLToPath(new URL('../../scripts/virtual-device/build-image.sh', import.meta.url))
  const built = spawnSync('bash', [script], { stdio: ['ignore', 'inherit', 'inherit'] })
  if (built.status !== 0) {
    throw new Error('The image of the virtual device was not built: see above. It needs Debian with apt-get, and npm.')
  }
}

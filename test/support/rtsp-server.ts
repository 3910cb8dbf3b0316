/** Starts the real RTSP server of `rtsp-server.py` for a test: a network camera that can be frozen, killed and brought back. */
import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const script = fileURLToPath(new URL('rtsp-server.py', import.meta.url))
/** Debian's names; the tests of network cameras need them, and fail with this list where they are missing. */
const rtspServerPackages = [
  'python3-gi',
  'gir1.2-gst-rtsp-server-1.0',
  'gstreamer1.0-plugins-base',
  'gstreamer1.0-plugins-good',
  'gstreamer1.0-plugins-bad',
]
const readyMsMax = 30_000

export interface RtspLogin {
  readonly user: string
  readonly password: string
  readonly method: 'basic' | 'digest'
}

export interface RtspServer {
  readonly url: string
  readonly port: number
  /** Stops the process where it is (SIGSTOP), connections stay open. */
  freeze(): void
  /** Ends it at once, as a pulled plug would, frozen or not. */
  kill(): Promise<void>
}

/** @param media coding of the file's parts, comma separated; see the script */
export async function startRtspServer(
  file: string,
  media: string,
  more: { readonly port?: number; readonly login?: RtspLogin } = {},
): Promise<RtspServer> {
  const { login } = more
  const loginArgs = login === undefined ? [] : [login.user, login.password, login.method]
  const args = [script, file, media, String(more.port ?? 0), ...loginArgs]
  const child = spawn('/usr/bin/python3', args, { stdio: ['pipe', 'pipe', 'pipe'] })
  const gone = new Promise<void>((resolve) => {
    child.once('close', () => resolve())
    child.once('error', () => resolve())
  })
  const port = await portOf(child)
  return {
    url: `rtsp://127.0.0.1:${port}/live`,
    port,
    freeze: () => void child.kill('SIGSTOP'),
    async kill() {
      child.kill('SIGKILL')
      await gone
    },
  }
}

function portOf(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    let said = ''
    const fail = (): void => {
      clearTimeout(timer)
      child.kill('SIGKILL')
      const install = `sudo apt-get install --no-install-recommends ${rtspServerPackages.join(' ')}`
      reject(new Error(`The RTSP server of the tests does not start. It needs Debian packages: ${install}\n${said}`))
    }
    const timer = setTimeout(fail, readyMsMax)
    child.once('error', fail)
    child.once('close', fail)
    child.stderr?.on('data', (bytes: Buffer) => {
      said = (said + bytes.toString()).slice(-2_000)
    })
    child.stdout?.once('data', (bytes: Buffer) => {
      clearTimeout(timer)
      child.off('close', fail)
      resolve(Number(bytes.toString().trim()))
    })
  })
}

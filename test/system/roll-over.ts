/** What a person does who wants smaller files: the next unit begins a new recording, and the one before is complete. */
import { readFile, writeFile } from 'node:fs/promises'
import type { Rig } from '../support/rig.ts'

/**
 * Call while the recorder is stopped. Starts it; it runs on.
 *
 * @param footage the object that is to end
 */
export async function rollOver(rig: Rig, footage: { readonly key: string; readonly bytes: Buffer }): Promise<void> {
  const text = await readFile(rig.settingsFile, 'utf8')
  await writeFile(rig.settingsFile, `${text}rollover: { bytes: ${footage.bytes.length} }\n`)
  rig.start()
  await rig.until('the next recording', ({ uplink }) =>
    uplink.objects.some(({ key, bytes }) => key.endsWith('.ts') && key !== footage.key && bytes > 0),
  )
}

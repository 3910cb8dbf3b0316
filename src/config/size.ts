/** Sizes as people write them: `10GB` (decimal, as disks are sold), `512MiB` (binary), or a plain number of bytes. */

const factors: Readonly<Record<string, number>> = {
  B: 1,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  KIB: 1024,
  MIB: 1024 ** 2,
  GIB: 1024 ** 3,
  TIB: 1024 ** 4,
}

/** Whole bytes; `undefined` for anything that is not a size. `1.5GB` is one, `1.5` and `10G` are not. */
export function parseSize(written: unknown): number | undefined {
  if (typeof written === 'number') return Number.isSafeInteger(written) && written >= 0 ? written : undefined
  if (typeof written !== 'string') return undefined
  const match = /^(\d{1,15}(?:\.\d{1,6})?) ?([KMGT]i?B|B)?$/i.exec(written.trim())
  if (match === null) return undefined
  const [, digits = '', unit] = match
  if (unit === undefined && digits.includes('.')) return undefined
  const bytes = Math.round(Number(digits) * (factors[(unit ?? 'B').toUpperCase()] ?? 1))
  return Number.isSafeInteger(bytes) ? bytes : undefined
}

/** The shortest exact way to write it: `1GiB`, `10GB`, `1234567`. */
export function sizeText(bytes: number): string {
  for (const unit of ['TiB', 'TB', 'GiB', 'GB', 'MiB', 'MB', 'KiB', 'KB']) {
    const factor = factors[unit.toUpperCase()] ?? 1
    if (bytes >= factor && bytes % factor === 0) return `${bytes / factor}${unit}`
  }
  return String(bytes)
}

// @ts-check
/** Times, sizes and durations as the page writes them. Times are the site's, whatever zone the viewer sits in. */

/**
 * @param {number} ms wall time
 * @param {string} zone IANA name of the site's zone
 * @returns {{ clock: string, day: string, offset: string }}
 */
export function siteTime(ms, zone) {
  const parts = new Intl.DateTimeFormat('en-GB', {
    timeZone: zone,
    hourCycle: 'h23',
    weekday: 'short',
    year: 'numeric',
    month: 'short',
    day: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    timeZoneName: 'longOffset',
  }).formatToParts(new Date(ms))
  /** @param {string} type */
  const part = (type) => parts.find((one) => one.type === type)?.value ?? ''
  return {
    clock: `${part('hour')}:${part('minute')}:${part('second')}`,
    day: `${part('weekday')} ${part('day')} ${part('month')} ${part('year')}`,
    offset: part('timeZoneName').replace('GMT', 'UTC'),
  }
}

/** @param {number} ms */
export function duration(ms) {
  const seconds = Math.max(0, ms / 1000)
  if (seconds < 10) return `${seconds.toFixed(1)} s`
  if (seconds < 60) return `${Math.round(seconds)} s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return `${minutes} min ${Math.floor(seconds % 60)} s`
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}

/** @param {number} bytes */
export function size(bytes) {
  const units = ['B', 'KiB', 'MiB', 'GiB']
  let value = bytes
  let unit = 0
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024
    unit += 1
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`
}

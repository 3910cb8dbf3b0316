/** What texts in the settings may be. The words of `accepted` complete "it must be …". */
import { isCronPattern } from './cron-pattern.ts'
import type { TextRule } from './field.ts'

/** Names of the device, cameras and inputs stand in object keys, file names and logs. */
export const nameRule: TextRule = {
  pattern: /^[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?$/,
  accepted: '1 to 63 letters, digits and hyphens, with no hyphen at either end',
}

export const timeZoneRule: TextRule = {
  pattern: /^[A-Za-z][A-Za-z0-9+_/-]*$/,
  accepted: 'a time zone of the IANA list, such as UTC or Europe/Berlin',
  holds: isTimeZone,
}

/** Source: OSS, "Bucket naming conventions". */
export const bucketRule: TextRule = {
  pattern: /^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$/,
  accepted: '3 to 63 lower-case letters, digits and hyphens, with no hyphen at either end',
}

/** The region is part of every V4 signature: a wrong one is refused by the store as a wrong signature. */
export const regionRule: TextRule = {
  pattern: /^(?!oss-)[a-z0-9]+(?:-[a-z0-9]+)*$/,
  accepted: 'a region of OSS without "oss-" in front, such as cn-hangzhou',
}

export const endpointRule: TextRule = {
  pattern: /^(?:https?:\/\/)?(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:]+\])(?::\d{1,5})?\/?$/,
  accepted: 'a host name, such as https://oss-cn-hangzhou.aliyuncs.com, with neither path nor bucket',
  holds: (text) => URL.canParse(withScheme(text)),
  read: (text) => withScheme(text).replace(/\/$/, ''),
}

/** OSS keys are at most 1023 bytes; what we put behind the prefix takes under 250. Source: OSS, "Object naming". */
export const prefixRule: TextRule = {
  pattern: /^(?![/\\])[\p{L}\p{M}\p{N}\p{P}\p{S} ]{0,128}$/u,
  accepted:
    "up to 128 characters without a slash at either end and without empty, . or .. parts, such as site-7/yard, or ''",
  holds: (text) => text === '' || text.split('/').every((part) => part !== '' && part !== '.' && part !== '..'),
}

export const pathRule: TextRule = {
  pattern: /^\/[^\0\r\n]{0,4000}$/,
  accepted: 'an absolute path, which begins with a slash',
}

/** A socket's path must fit into `sun_path`, 108 bytes with its NUL. Source: unix(7). */
export const socketRule: TextRule = {
  pattern: /^\/[\x21-\x7e]{1,106}$/,
  accepted: 'an absolute path of at most 107 plain characters',
}

export const rtspRule: TextRule = {
  pattern: /^rtsps?:\/\/[^\s@/?#]+(?:[/?][^\s#]*)?$/i,
  accepted:
    'an address such as rtsp://192.0.2.7:554/stream1, without user and password, which have settings of their own',
  holds: (text) => text.length <= 2000 && URL.canParse(text),
}

export const cronRule: TextRule = {
  pattern: /^[\x20-\x7e]{9,200}$/,
  accepted: "a cron pattern of five fields (minute hour day month weekday), such as '0 * * * *' for every full hour",
  holds: isCronPattern,
}

/** A chip is found by its label, since numbers change with the kernel (`gpiochip0` on one, `gpiochip4` on the next). */
export const chipRule: TextRule = {
  pattern: /^[\x21-\x7e]{1,63}$/,
  accepted: 'the label of a GPIO chip, such as pinctrl-rp1 or pinctrl-bcm2711',
}

/** Sent as HTTP header values. */
export const headerRule: TextRule = {
  pattern: /^[\x21-\x7e](?:[\x20-\x7e]{0,254}[\x21-\x7e])?$/,
  accepted: '1 to 256 plain characters',
}

export const accessKeyIdRule: TextRule = { pattern: /^[\x21-\x7e]{1,128}$/, accepted: '1 to 128 plain characters' }

/** Source: OSS, "Tag objects": letters, digits, spaces and + - = . _ : /, keys to 128 and values to 256 characters. */
export const tagNameRule: TextRule = {
  pattern: /^[A-Za-z0-9 +\-=._:/]{1,128}$/,
  accepted: '1 to 128 letters, digits, spaces and + - = . _ : /',
}
export const tagValueRule: TextRule = {
  pattern: /^[A-Za-z0-9 +\-=._:/]{0,256}$/,
  accepted: 'up to 256 letters, digits, spaces and + - = . _ : /',
}

const withScheme = (text: string): string => (/^https?:\/\//.test(text) ? text : `https://${text}`)

function isTimeZone(text: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: text }).resolvedOptions().timeZone !== ''
  } catch {
    return false
  }
}

/**
 * Every limit of the recorder that is not a setting, with its unit, its arithmetic, and what happens at it.
 * Limits of one file's format stand in that file.
 */
const KiB = 1024
const MiB = 1024 * KiB

export const limits = {
  /** Repeats of one warning within this time are counted instead of written. A minute keeps 1,440 lines a day a subject. */
  logFoldMs: 60_000,
  /** How many different warnings are remembered for folding; the oldest is forgotten, and may then be written again. */
  logFoldKeysMax: 500,
  /** A longer log line is cut. */
  logLineCharsMax: 4 * KiB,

  /** OSS: largest append object, 5 GB; we roll over far earlier (`rollover.bytes`). Source: OSS, "Append upload". */
  objectBytesMax: 5_000_000_000,
  /** OSS: a key is 1 to 1023 bytes of UTF-8. Source: OSS, "Append upload". */
  keyBytesMax: 1023,
  /** One append body at most: 4 MiB takes 34 s at 1 Mbit/s, and a cut connection re-sends no more than this. */
  appendBytesMax: 4 * MiB,

  /** A unit longer than this is cut by the splitter at a frame; 16 MiB is 8 s of 16 Mbit/s. */
  unitBytesMax: 16 * MiB,
  /** Units held while a camera run's clock is anchored; at the limit the best anchor so far is taken. */
  anchorHoldBytesMax: 16 * MiB,
  anchorHoldMs: 8_000,
  /** Bytes of a camera without a single TS packet before the camera counts as one that sends garbage. */
  garbageBytesMax: 4 * MiB,

  /**
   * Where the settings say nothing: 5 s are more than a healthy link needs to confirm, and little to lose with the power;
   * 32 MiB are 64 s of 4 Mbit/s.
   */
  memory: { spillAfterMs: 5_000, memoryBytes: 96 * MiB, memoryBytesPerCamera: 32 * MiB },

  /** Size of a segment file; eviction and reclaiming work in these steps. */
  segmentBytesMax: 32 * MiB,
  /** A group is committed at this size or age, whichever comes first. */
  commitBytesMax: 4 * MiB,
  commitAgeMs: 1_000,
  /** In an outage footage ages in memory anyway: larger groups cost fewer bytes (1.003 instead of 1.02 per byte). */
  commitAgeOutageMs: 4_000,
  /**
   * A name or a line whose row is not durable after this long is used from memory: a disk that refuses or hangs must not
   * stop footage that the network would take. A power cut may then leave an object that nobody knows the end of.
   */
  diskPatienceMs: 2_000,
  /**
   * Confirmed bytes whose position row is not synced yet; beyond it the row is synced before its 10 s are over. Bounds the
   * tail that is read back after a power cut, and what must not be evicted before the store was asked.
   */
  unsyncedBytesMax: 16 * MiB,

  /** One line of a JSON-lines track (event, report, catalogue); a longer one is refused by an assertion. */
  recordBytesMax: 64 * KiB,
  /** Unconfirmed lines of one JSON-lines track kept; beyond it the oldest are dropped, with a gap record. */
  recordsHeldMax: 50_000,

  /** One line typed at the console, in bytes; the rest up to the line's end is ignored, and the user is told once. */
  consoleLineBytesMax: 1 * KiB,
  /** A request or reply on the control socket, in bytes. */
  controlMessageBytesMax: 1 * MiB,

  /** What a child process may say on standard error per line; longer lines are cut. */
  childLineBytesMax: 2 * KiB,
  /** Time from TERM to KILL for a child process. */
  childKillMs: 2_000,
  /** Time for an orderly stop; then the process ends as it is, and the next start recovers. */
  stopMs: 5_000,
} as const

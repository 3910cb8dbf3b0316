/** The machine the recorder runs on, as a report tells it. `null`: this machine does not say, or did not answer in time. */
export interface Machine {
  /** Since the machine started, in ms. */
  readonly uptimeMs: number
  /** Processes that wanted to run, on average of the last minute. */
  readonly load1: number
  readonly cpus: number
  readonly memoryBytes: number
  readonly memoryAvailableBytes: number | null
  /** Resident memory of the recorder itself. */
  readonly processBytes: number
  /** Of the file system of the buffer. */
  readonly diskBytes: number | null
  readonly diskFreeBytes: number | null
  /** Of the hottest sensor. */
  readonly temperatureC: number | null
  /** Whether the supply is below 4.63 V now. Source: Raspberry Pi, "Power supply" (the brown-out detector). */
  readonly underVoltage: boolean | null
}

/** The port that looks. Implemented by `adapters/system-probes.ts`. */
export interface MachineProbes {
  /** Answers within 3 s, whatever hangs. Never rejects. */
  look(): Promise<Machine>
}

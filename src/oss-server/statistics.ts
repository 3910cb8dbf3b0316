/** What the server has seen, for tests and measurements. */
import { type Operation, operations } from './operation.ts'

export interface ServerStatistics {
  readonly requests: Readonly<Record<Operation, number>>
  /** Fired faults by kind. */
  readonly faults: Readonly<Record<string, number>>
  /** Bodies taken whole. */
  readonly bytesReceived: number
  /** Requests being worked on now. */
  readonly inFlight: number
  /** The most appends to one key that were ever in flight together; more than 1 breaks the recorder's promise. */
  readonly appendsPerKeyMax: number
}

export class Statistics {
  readonly #requests = new Map<Operation, number>()
  readonly #appending = new Map<string, number>()
  #bytesReceived = 0
  #inFlight = 0
  #appendsPerKeyMax = 0

  begin(operation: Operation, key: string): void {
    this.#requests.set(operation, (this.#requests.get(operation) ?? 0) + 1)
    this.#inFlight += 1
    if (operation !== 'append') return
    const together = (this.#appending.get(key) ?? 0) + 1
    this.#appending.set(key, together)
    this.#appendsPerKeyMax = Math.max(this.#appendsPerKeyMax, together)
  }

  end(operation: Operation, key: string): void {
    this.#inFlight -= 1
    if (operation !== 'append') return
    const together = (this.#appending.get(key) ?? 1) - 1
    if (together === 0) this.#appending.delete(key)
    else this.#appending.set(key, together)
  }

  received(bytes: number): void {
    this.#bytesReceived += bytes
  }

  now(faults: Readonly<Record<string, number>>): ServerStatistics {
    const requests = Object.fromEntries(operations.map((name) => [name, this.#requests.get(name) ?? 0]))
    return {
      requests: requests as Record<Operation, number>,
      faults,
      bytesReceived: this.#bytesReceived,
      inFlight: this.#inFlight,
      appendsPerKeyMax: this.#appendsPerKeyMax,
    }
  }
}

/** What the server has seen, for tests and measurements. */
import { type Operation, operations } from './operation.ts'

export interface ServerStatistics {
  readonly requests: Readonly<Record<Operation, number>>
  /** Fired faults by kind. */
  readonly faults: Readonly<Record<string, number>>
  /** Requests that met a fault, by operation. */
  readonly faultsOn: Readonly<Record<Operation, number>>
  /** Bodies taken whole. */
  readonly bytesReceived: number
  /** Bytes of append bodies that the object held already when they had come. */
  readonly bytesAgain: number
  /** Requests being worked on now. */
  readonly inFlight: number
  /** The most appends to one key that were ever in flight together; more than 1 breaks the recorder's promise. */
  readonly appendsPerKeyMax: number
}

export class Statistics {
  readonly #requests = new Map<Operation, number>()
  readonly #appending = new Map<string, number>()
  readonly #faultsOn = new Map<Operation, number>()
  #bytesReceived = 0
  #bytesAgain = 0
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

  metFault(operation: Operation): void {
    this.#faultsOn.set(operation, (this.#faultsOn.get(operation) ?? 0) + 1)
  }

  received(bytes: number): void {
    this.#bytesReceived += bytes
  }

  /** @param lengthBytes of the object, when a body for `position` had come */
  receivedAt(position: number, bytes: number, lengthBytes: number): void {
    this.#bytesAgain += Math.max(0, Math.min(bytes, lengthBytes - position))
  }

  now(faults: Readonly<Record<string, number>>): ServerStatistics {
    return {
      requests: perOperation(this.#requests),
      faults,
      faultsOn: perOperation(this.#faultsOn),
      bytesReceived: this.#bytesReceived,
      bytesAgain: this.#bytesAgain,
      inFlight: this.#inFlight,
      appendsPerKeyMax: this.#appendsPerKeyMax,
    }
  }
}

const perOperation = (counts: ReadonlyMap<Operation, number>): Record<Operation, number> =>
  Object.fromEntries(operations.map((name) => [name, counts.get(name) ?? 0])) as Record<Operation, number>

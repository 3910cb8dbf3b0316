/**
 * The small rows of the buffer: claims, positions, lines of records, one row a segment. Declared here, implemented by
 * `adapters/level-store.ts`, and by a fake with power cuts in the tests; one contract suite runs on both.
 */
import type { Result } from '../base/result.ts'

export type KvOp =
  | { readonly type: 'put'; readonly key: string; readonly value: string }
  | { readonly type: 'del'; readonly key: string }

export interface KvError {
  /** `full`: no space. `corrupt`: a checksum is wrong, or a file of the database is missing. `io`: anything else. */
  readonly kind: 'full' | 'corrupt' | 'io'
  readonly message: string
  /** One of its files cannot be read. The disk may be gone; or it is a bad block, and the rest is well. */
  readonly ofFile?: true
}

export interface KvOpenError {
  readonly kind: 'locked' | 'corrupt' | 'full' | 'unwritable' | 'not-a-directory' | 'io'
  readonly message: string
  /** As in `KvError`. */
  readonly ofFile?: true
}

export interface Kv {
  /** Calls `visit` for every row whose key begins with `prefix`, in order of the keys. */
  scan(prefix: string, visit: (key: string, value: string) => void): Promise<Result<void, KvError>>
  get(key: string): Promise<Result<string | undefined, KvError>>
  /**
   * All or nothing, also across a power cut, and in the order of the calls. After an error it is not known whether the
   * batch was applied; repeating it is safe, since rows are set and not changed.
   *
   * @param sync true: durable when answered, and everything written before with it
   */
  batch(ops: readonly KvOp[], sync: boolean): Promise<Result<void, KvError>>
  close(): Promise<void>
}

export interface KvStore {
  /** Where it is, for people. */
  readonly place: string
  /** Opens or creates it; one owner at a time, `locked` for the second, also in another process. */
  open(): Promise<Result<Kv, KvOpenError>>
  /** Makes a damaged database open again with whatever can be read. Rows may be missing afterwards. */
  repair(): Promise<Result<void, KvOpenError>>
  /**
   * Puts it aside, whole, so that `open` makes a new one: nothing here can read it, somebody else perhaps can. Two are
   * kept; the oldest goes when a third comes. Returns where it is now, for people.
   */
  setAside(): Promise<Result<string, KvOpenError>>
}

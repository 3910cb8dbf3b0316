/** What `verify` needs of a video decoder. Implemented by `adapters/ffmpeg-decoder.ts`. */

export type DecodeVerdict =
  | { readonly kind: 'decoded' }
  /** `words`: what the decoder complained about, cut to a few lines. */
  | { readonly kind: 'undecodable'; readonly words: string }
  /** There is no decoder on this machine. `message`: one sentence that says what to do. */
  | { readonly kind: 'missing'; readonly message: string }

/** One object on its way through the decoder. */
export interface Decoding {
  /** The next bytes of the object, in order. Resolves when there is room for more. Never rejects. */
  write(bytes: Uint8Array): Promise<void>
  /** The object is over; waits for the verdict. Call it, or `cancel`, exactly once. */
  finish(): Promise<DecodeVerdict>
  /** Nobody wants the verdict any more: the decoder is ended. */
  cancel(): void
}

export interface Decoder {
  /** Begins with a new object of MPEG-TS. */
  begin(): Decoding
}

/** Handed to the system at once: whoever takes as much in the time that a slow client is given is not taken for a dead one. */
const pieceBytesMax = 256 * 1024;

/** Writes an endless answer in small pieces, so that it can be seen how a slow client gets on. */
export class PieceWriter {
  readonly #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  /** The size of the piece that the client has not taken yet. */
  #pieceBytes = 0;
  #full: PromiseWithResolvers<void> | undefined;
  #isStopped = false;

  /** `failed` is called when the connection is gone. */
  constructor(
    private readonly controller: ReadableStreamDirectController,
    private readonly failed: () => void,
  ) {}

  /** Takes the chunk. A promise says that the client takes no more at the moment, and resolves when it has taken everything. */
  write(chunk: Uint8Array): Promise<void> | undefined {
    this.#waiting.push(chunk);
    this.#waitingBytes += chunk.byteLength;
    if (!this.#full) this.#handOver();
    return this.full();
  }

  /** What `write` would answer. */
  full(): Promise<void> | undefined {
    return this.#full?.promise;
  }

  /** What the client has not taken yet; nothing while it takes everything at once. */
  queuedBytes(): number {
    return this.#pieceBytes + this.#waitingBytes;
  }

  /** Nothing is written after this. */
  stop(): void {
    this.#isStopped = true;
  }

  #handOver(): void {
    if (this.#isStopped) return;
    for (let chunk = this.#waiting.shift(); chunk; chunk = this.#waiting.shift()) {
      const piece = chunk.subarray(0, pieceBytesMax);
      if (piece.byteLength < chunk.byteLength) this.#waiting.unshift(chunk.subarray(pieceBytesMax));
      this.#waitingBytes -= piece.byteLength;
      const written = this.controller.write(piece);
      this.controller.flush();
      if (typeof written === "number") continue;
      this.#full ??= Promise.withResolvers();
      this.#pieceBytes = piece.byteLength;
      written.then(() => this.#drained(), this.failed);
      return;
    }
    this.#full?.resolve();
    this.#full = undefined;
  }

  #drained(): void {
    this.#pieceBytes = 0;
    this.#handOver();
  }
}

/** Reads an endless answer piece by piece, as a client would. */
export class ByteStream {
  /** All that came so far and was not taken. */
  text = "";
  #isEnded = false;
  readonly #reader;
  readonly #decoder = new TextDecoder();
  readonly #abort;

  private constructor(
    readonly response: Response,
    abort: AbortController,
  ) {
    if (!response.body) throw new Error("the answer has no body");
    this.#reader = response.body.getReader();
    this.#abort = abort;
  }

  static async open(url: string, headers: Record<string, string> = {}, more: BunFetchRequestInit = {}): Promise<ByteStream> {
    const abort = new AbortController();
    return new ByteStream(await fetch(url, { headers, signal: abort.signal, ...more }), abort);
  }

  /** Takes what came up to and including `end`; waits for it. */
  async until(end: string): Promise<string> {
    for (let searched = 0; ; ) {
      const at = this.text.indexOf(end, searched);
      if (at >= 0) return this.#take(at + end.length);
      searched = Math.max(0, this.text.length - end.length);
      if (!(await this.#more())) throw new Error(`the stream ended after ${JSON.stringify(this.text)}`);
    }
  }

  /** The next frame of an SSE stream, without the blank line. */
  async frame(): Promise<string> {
    return (await this.until("\n\n")).slice(0, -2);
  }

  async frames(count: number): Promise<string[]> {
    const frames: string[] = [];
    while (frames.length < count) frames.push(await this.frame());
    return frames;
  }

  /** The rest, once the server has ended the stream. */
  async rest(): Promise<string> {
    while (await this.#more());
    return this.#take(this.text.length);
  }

  close(): void {
    this.#abort.abort();
  }

  async #more(): Promise<boolean> {
    if (this.#isEnded) return false;
    const { done, value } = await this.#reader.read();
    this.#isEnded = done;
    this.text += this.#decoder.decode(value, { stream: !done });
    return !done;
  }

  #take(length: number): string {
    const taken = this.text.slice(0, length);
    this.text = this.text.slice(length);
    return taken;
  }
}

/** The JSON that a frame carries. */
export function dataOf(frame: string): Record<string, unknown> & { id?: string; event: string; data: Record<string, unknown> } {
  return JSON.parse(/^data: (.*)$/m.exec(frame)?.[1] ?? "null");
}

/** The names and sequence numbers of frames, as `ThingHappened 3`. */
export function briefly(frames: readonly string[]): string[] {
  return frames.map((frame) => {
    const name = /^event: (.*)$/m.exec(frame)?.[1] ?? frame;
    const id = /^id: (\d+)/m.exec(frame)?.[1];
    return id === undefined ? name : `${name} ${id}`;
  });
}

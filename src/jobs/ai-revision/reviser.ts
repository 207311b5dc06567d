export interface ReviseOptions {
  instructions: string | undefined;
  signal: AbortSignal;
  progress(percent: number, message: string): void;
}

/** Makes a better text out of a note's text. */
export interface Reviser {
  /** What did it: the model's name, or `builtin-tidy`. */
  readonly model: string;
  /** Rejects with a `JobError`, or with anything once `signal` is aborted. */
  revise(text: string, options: ReviseOptions): Promise<string>;
  stop(): Promise<void>;
}

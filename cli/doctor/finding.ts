/** What one check came to. */
export interface Finding {
  check: string;
  status: "ok" | "warning" | "problem" | "skipped";
  /** What was seen. */
  message: string;
  /** What to do about it. */
  advice?: string;
}

export const ok = (check: string, message: string): Finding => ({ check, status: "ok", message });
export const skipped = (check: string, message: string): Finding => ({ check, status: "skipped", message });
export const warning = (check: string, message: string, advice: string): Finding => ({
  check,
  status: "warning",
  message,
  advice,
});
export const problem = (check: string, message: string, advice: string): Finding => ({
  check,
  status: "problem",
  message,
  advice,
});

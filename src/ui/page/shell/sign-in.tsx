import { useRef, useState } from "preact/hooks";
import { usePage } from "../page.ts";

/** Asks for an access token; it goes into a cookie that scripts cannot read. */
export function SignIn() {
  const { session } = usePage();
  const field = useRef<HTMLInputElement>(null);
  const [problem, setProblem] = useState("");
  const signIn = async () => {
    try {
      await session.signIn(field.current?.value ?? "");
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error));
    }
  };
  return (
    <form
      class="sign-in"
      onSubmit={(event) => {
        event.preventDefault();
        void signIn();
      }}
    >
      <h2>Sign in</h2>
      <p class="muted">
        This server asks for an access token. Its first start printed one; <code>matric tokens create</code> makes others.
      </p>
      <input ref={field} type="password" required aria-label="Access token" placeholder="mtr_…" autocomplete="current-password" />
      {problem && (
        <p class="job-error" role="alert">
          {problem}
        </p>
      )}
      <button type="submit" class="primary">
        Sign in
      </button>
    </form>
  );
}

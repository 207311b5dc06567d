import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { usePage } from "../page.ts";
import { ThemeButton } from "./theme.tsx";

/** Asks for an access token, and shows nothing else; it goes into a cookie that scripts cannot read. */
export function SignIn() {
  const { session } = usePage();
  const field = useRef<HTMLInputElement>(null);
  const [problem, setProblem] = useState("");
  const [isAsking, setAsking] = useState(false);
  const signIn = async () => {
    setAsking(true);
    setProblem("");
    try {
      await session.signIn(field.current?.value ?? "");
    } catch (error) {
      setAsking(false);
      setProblem(error instanceof Error ? error.message : String(error));
      field.current?.select();
    }
  };
  // Before it is seen: whoever types at once types into it.
  useLayoutEffect(() => field.current?.focus(), []);
  return (
    <>
      <header class="bar">
        <span class="brand">matric</span>
        <ThemeButton />
      </header>
      <main class="sign-in-view">
        <form
          class="sign-in"
          onSubmit={(event) => {
            event.preventDefault();
            void signIn();
          }}
        >
          <h1>Sign in</h1>
          <p class="muted">
            The first start of this server printed an access token; <code>matric tokens create</code> makes others.
          </p>
          <label>
            Access token
            <input ref={field} type="password" required placeholder="mtr_…" autocomplete="current-password" />
          </label>
          {problem && (
            <p class="job-error" role="alert">
              {problem}
            </p>
          )}
          <button type="submit" class="primary" disabled={isAsking}>
            {isAsking ? "Signing in…" : "Sign in"}
          </button>
        </form>
      </main>
    </>
  );
}

import type { Attempt } from "../../../webhooks/contract.ts";
import { exactly, timeOfDay } from "../shell/time.ts";

/** One request: when, how long, what came back, and all that was said. */
export function AttemptView({ attempt }: { attempt: Attempt }) {
  const { number, at, status, error_code, error, duration_ms, request_headers, response_headers, response_body } = attempt;
  const { total, ...parts } = duration_ms;
  const split = Object.entries(parts).flatMap(([name, ms]) =>
    ms === null ? [] : [`${name.replace("_", " ")} ${Math.round(ms)} ms`],
  );
  return (
    <details class="attempt">
      <summary>
        <span>Attempt {number}</span>
        <time dateTime={at} title={exactly(at)}>
          {timeOfDay(at)}
        </time>
        <span class={error_code === null ? "good" : "bad"}>{status ?? error_code}</span>
        <span class="muted">{Math.round(total)} ms</span>
      </summary>
      {error_code !== null && (
        <p class="bad">
          {error_code}
          {error && error !== error_code && `: ${error}`}
        </p>
      )}
      {split.length > 0 && <p class="muted">{split.join(" · ")}</p>}
      <Said title="Request" headers={request_headers} body={null} />
      {response_headers && <Said title="Answer" headers={response_headers} body={response_body} />}
    </details>
  );
}

function Said({ title, headers, body }: { title: string; headers: Record<string, string>; body: string | null }) {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  return (
    <>
      <h4>{title}</h4>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, and must do so by keyboard too */}
      <pre class="code" tabIndex={0}>
        {lines.join("\n")}
        {body && `\n\n${body}`}
      </pre>
    </>
  );
}

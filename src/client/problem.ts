import { ClientError, type ClientErrorDetails } from "./errors.ts";

const codes: Record<number, string> = {
  401: "unauthorized",
  403: "forbidden",
  404: "not_found",
  409: "conflict",
  412: "version_conflict",
  413: "too_large",
  422: "invalid",
  429: "rate_limited",
  431: "headers_too_large",
  503: "overloaded",
  504: "timed_out",
};

/** An answer that is an error, as matric's own problem document or as whatever a proxy in between says. */
export async function errorFrom(response: Response, server: string): Promise<ClientError> {
  const problem = await fieldsOf(response);
  const { status } = response;
  const text = (name: string) => (typeof problem[name] === "string" ? problem[name] : undefined);
  const details: ClientErrorDetails = { status };
  const field = text("field");
  if (field !== undefined) details.field = field;
  if (typeof problem.current_version === "number") details.currentVersion = problem.current_version;
  const retryAfterMs = retryAfterMsOf(response);
  if (retryAfterMs !== undefined) details.retryAfterMs = retryAfterMs;
  const fallback = `${server} answered ${status}${response.statusText === "" ? "" : ` ${response.statusText}`}.`;
  const code = text("code") ?? codes[status] ?? (status < 500 ? "malformed" : "internal");
  return new ClientError(code, text("detail") ?? text("title") ?? fallback, details);
}

async function fieldsOf(response: Response): Promise<Record<string, unknown>> {
  try {
    const body: unknown = JSON.parse(await response.text());
    return typeof body === "object" && body !== null ? { ...body } : {};
  } catch {
    return {};
  }
}

function retryAfterMsOf(response: Response): number | undefined {
  const seconds = response.headers.get("retry-after");
  return seconds !== null && /^\d{1,6}$/.test(seconds) ? Number(seconds) * 1000 : undefined;
}

import { openFilesMax } from "../../src/telemetry/metrics/process-metrics.ts";
import { type Finding, ok, skipped, warning } from "./finding.ts";

/** Database, log files, webhooks and the runtime itself. */
const filesBesideStreams = 600;
const watchMs = 300;
const driftMsMax = 50;
const skewMsMax = 5000;

export function checkOpenFiles(connectionsMax: number): Finding {
  const check = "open files";
  const most = openFilesMax();
  if (most === undefined) return skipped(check, "this system does not tell the limit");
  const needed = connectionsMax + filesBesideStreams;
  const message = `${most} may be open; ${connectionsMax} streams and the rest need ${needed}`;
  if (most >= needed) return ok(check, message);
  return warning(
    check,
    message,
    `Raise the limit (ulimit -n ${needed}, LimitNOFILE=${needed} in a unit), or lower MATRIC_CONNECTIONS_MAX.`,
  );
}

/** Whether the clock runs evenly, and as the server's does if there is one. */
export async function checkClock(serverTime: () => Promise<number | undefined>): Promise<Finding> {
  const check = "clock";
  const [wallMs, evenMs] = [Date.now(), performance.now()];
  await Bun.sleep(watchMs);
  const driftMs = Math.abs(Date.now() - wallMs - (performance.now() - evenMs));
  const advice = "Keep it right with chrony or systemd-timesyncd: signatures of webhooks and times of events depend on it.";
  if (driftMs > driftMsMax) return warning(check, `it jumped by ${Math.round(driftMs)} ms while being watched`, advice);
  const askedMs = Date.now();
  const server = await serverTime();
  const now = `it says ${new Date().toISOString()}`;
  if (server === undefined) return ok(check, now);
  // The Date header has whole seconds.
  const skewMs = Math.abs(server + 500 - (askedMs + Date.now()) / 2);
  if (skewMs > skewMsMax) return warning(check, `it and the server's differ by ${Math.round(skewMs / 1000)} s`, advice);
  return ok(check, `${now}, and the server's agrees`);
}
